// The sign of a branch; the word stands beside it.
export function BranchSign() {
  return (
    <svg className="sign" width="12" height="13" viewBox="0 0 12 13" aria-hidden="true">
      <path d="M3 12V1M3 9C3 6 9 7 9 2" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <circle cx="9" cy="2" r="1.6" fill="currentColor" />
    </svg>
  );
}
