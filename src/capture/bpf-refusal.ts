/** Why an expression was not compiled. Thrown inside the compiler only; its callers get a value. */

/** `unsupported`: tcpdump may know it. `wrong`: nobody would take it. */
type RefusalKind = 'unsupported' | 'wrong';

export class FilterRefusal extends Error {
  override readonly name = 'FilterRefusal';
  readonly kind: RefusalKind;
  /** Characters before the place where it goes wrong. */
  readonly position: number;

  constructor(kind: RefusalKind, message: string, position: number) {
    super(message);
    this.kind = kind;
    this.position = position;
  }
}
