// The frame of a page: where one is, its title, its actions, its content.
import { Fragment, useEffect, type ReactNode } from "react";
import { Link } from "wouter";
import "./page.css";

export interface Crumb {
  label: string;
  to: string;
}

interface Props {
  title: string;
  /** Pages above this one, the outermost first; the list of runs comes by itself. */
  crumbs?: readonly Crumb[];
  /** Beside the title. */
  aside?: ReactNode;
  /** Uses the full width of the window. */
  wide?: boolean;
  children: ReactNode;
}

export function Page({ title, crumbs, aside, wide = false, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Attunement`;
  }, [title]);
  return (
    <main id="main" className={wide ? "page wide" : "page"} tabIndex={-1}>
      {crumbs && <Crumbs crumbs={crumbs} here={title} />}
      <header className="page-head">
        <h1 dir="auto">{title}</h1>
        {aside && <div className="row">{aside}</div>}
      </header>
      {children}
    </main>
  );
}

function Crumbs({ crumbs, here }: { crumbs: readonly Crumb[]; here: string }) {
  return (
    <nav aria-label="Where you are" className="crumbs">
      <Link href="/">Runs</Link>
      {crumbs.map((crumb) => (
        <Fragment key={crumb.to}>
          <span aria-hidden="true">/</span>
          <Link href={crumb.to}>{crumb.label}</Link>
        </Fragment>
      ))}
      <span aria-hidden="true">/</span>
      <span aria-current="page">{here}</span>
    </nav>
  );
}
