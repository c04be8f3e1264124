/** A panel under its opener: it closes on Escape, and when the focus goes elsewhere. */
export class Popup {
  open = $state(false);
  /** Holds opener and panel. */
  root = $state<HTMLElement>();
  opener = $state<HTMLButtonElement>();

  /** `opened` is called each time that it opens; afterwards its text field or first box has the focus. */
  constructor(private readonly opened: () => void) {}

  readonly toggle = (): void => {
    this.open = !this.open;
    if (!this.open) return;
    this.opened();
    requestAnimationFrame(() => this.root?.querySelector<HTMLElement>('input')?.focus());
  };

  readonly close = (): void => {
    this.open = false;
    this.opener?.focus();
  };

  readonly onfocusout = (event: FocusEvent): void => {
    if (!this.root?.contains(event.relatedTarget as Node | null)) this.open = false;
  };

  /** Does what a key stands for in the open panel, and nothing else then happens. */
  key(event: KeyboardEvent, moves: Record<string, () => void>): void {
    const move = this.open ? { Escape: this.close, ...moves }[event.key] : undefined;
    if (move === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  }
}
