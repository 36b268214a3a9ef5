// Text as records hold it: lines kept, its own direction, nothing read as markup.
interface Props {
  text: string;
  /** BCP 47 tag, where it is known. */
  lang?: string;
  className?: string;
}

export function Text({ text, lang, className = "" }: Props) {
  return (
    <span dir="auto" lang={lang} className={`text ${className}`}>
      {text}
    </span>
  );
}
