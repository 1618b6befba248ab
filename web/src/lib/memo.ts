import { Component, createElement, type FunctionComponent } from 'preact';

/** A component that renders again only when `same` says that its properties differ (signals it reads still count). */
export function memo<P extends object>(
  render: FunctionComponent<P>,
  same: (a: P, b: P) => boolean,
): FunctionComponent<P> {
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      return !same(this.props as P, next as P);
    }

    override render() {
      return createElement(render, this.props as P);
    }
  }
  return Memo as unknown as FunctionComponent<P>;
}
