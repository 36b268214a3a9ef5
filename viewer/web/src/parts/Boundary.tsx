// Catches a page that cannot be drawn: what went wrong is said, never a blank page.
import { Component, type ReactNode } from "react";
import { Link } from "wouter";
import { Notice } from "./State";

interface Props {
  /** Where it is: another place is another chance. */
  place: string;
  children: ReactNode;
}

export class Boundary extends Component<Props, { error: unknown; at: string }> {
  override state = { error: null as unknown, at: this.props.place };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  static getDerivedStateFromProps(props: Props, state: { error: unknown; at: string }) {
    return props.place === state.at ? null : { error: null, at: props.place };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return (
      <main id="main" className="page" tabIndex={-1}>
        <h1>This page cannot be shown</h1>
        <Notice tone="bad">{String(this.state.error)}</Notice>
        <p>
          <Link href="/">Go to the runs</Link>
        </p>
      </main>
    );
  }
}
