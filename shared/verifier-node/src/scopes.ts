// The scopes that a request needs: an expression of scope tokens (RFC 6749 §3.3), `&`, `|` and parentheses, where `&` binds
// tighter than `|`. A scope that contains one of these characters is written in quotes.

/** What is wrong with an expression. */
export type ScopesProblem =
  | 'missing_scope'
  | 'missing_operator'
  | 'unbalanced'
  | 'forbidden_character'
  | 'too_deep';

const PROBLEMS: Record<ScopesProblem, string> = {
  missing_scope: 'a scope is missing',
  missing_operator: '`&` or `|` is missing between two scopes',
  unbalanced: 'a parenthesis or a quote is not closed, or was not opened',
  forbidden_character: 'a scope is printable ASCII without space, quote or backslash',
  too_deep: 'the parentheses are nested too deeply',
};

/** A text is not a scope expression. */
export class InvalidScopes extends Error {
  override readonly name = 'InvalidScopes';

  constructor(readonly problem: ScopesProblem) {
    super(PROBLEMS[problem]);
  }
}

type Expression = string | { all: Expression[] } | { any: Expression[] };

/** Bounds the recursion, so that no expression can overflow the stack. */
const MAX_DEPTH = 16;

/** The scopes that a token must have. The empty expression requires nothing. */
export class RequiredScopes {
  readonly #expression: Expression | null;

  /** Throws `InvalidScopes`. */
  constructor(text = '') {
    const parser = new Parser(text);
    this.#expression = parser.peek() === '' ? null : parser.whole();
  }

  /** Whether the scopes for which `granted` says so are enough. */
  areMetBy(granted: (scope: string) => boolean): boolean {
    return this.#expression === null || isMetBy(this.#expression, granted);
  }

  /** Scopes that are enough, separated by spaces. Of alternatives it names the first. */
  sufficient(): string {
    return [...new Set(sufficient(this.#expression ?? { all: [] }))].join(' ');
  }

  /** The expression, so that it parses again to the same. */
  toString(): string {
    return this.#expression === null ? '' : print(this.#expression);
  }
}

function isMetBy(expression: Expression, granted: (scope: string) => boolean): boolean {
  if (typeof expression === 'string') return granted(expression);
  if ('all' in expression) return expression.all.every((member) => isMetBy(member, granted));
  return expression.any.some((member) => isMetBy(member, granted));
}

function sufficient(expression: Expression): string[] {
  if (typeof expression === 'string') return [expression];
  return 'all' in expression
    ? expression.all.flatMap(sufficient)
    : expression.any.slice(0, 1).flatMap(sufficient);
}

function print(expression: Expression): string {
  if (typeof expression === 'string') {
    return /[&|()]/.test(expression) ? `"${expression}"` : expression;
  }
  if ('any' in expression) return expression.any.map(print).join(' | ');
  const members = expression.all.map((member) =>
    typeof member === 'object' && 'any' in member ? `(${print(member)})` : print(member),
  );
  return members.join(' & ');
}

/** By recursive descent, one method for each level of precedence. */
class Parser {
  #rest: string;

  constructor(text: string) {
    this.#rest = text;
  }

  /** The next character that is not a space; nothing at the end. */
  peek(): string {
    this.#rest = this.#rest.replace(/^ +/, '');
    return this.#rest.slice(0, 1);
  }

  whole(): Expression {
    const expression = this.#anyOf(0);
    const next = this.peek();
    if (next !== '') throw new InvalidScopes(next === ')' ? 'unbalanced' : 'missing_operator');
    return expression;
  }

  #anyOf(depth: number): Expression {
    const members = [this.#allOf(depth)];
    while (this.#take('|')) members.push(this.#allOf(depth));
    const flat = members.flatMap((one) => (typeof one === 'object' && 'any' in one ? one.any : [one]));
    return flat.length === 1 && flat[0] !== undefined ? flat[0] : { any: flat };
  }

  #allOf(depth: number): Expression {
    const members = [this.#member(depth)];
    while (this.#take('&')) members.push(this.#member(depth));
    const flat = members.flatMap((one) => (typeof one === 'object' && 'all' in one ? one.all : [one]));
    return flat.length === 1 && flat[0] !== undefined ? flat[0] : { all: flat };
  }

  #member(depth: number): Expression {
    if (this.#take('(')) {
      if (depth === MAX_DEPTH) throw new InvalidScopes('too_deep');
      const inner = this.#anyOf(depth + 1);
      if (this.#take(')')) return inner;
      throw new InvalidScopes(this.peek() === '' ? 'unbalanced' : 'missing_operator');
    }
    const scope = this.#take('"') ? this.#quoted() : this.#splitOff(this.#rest.search(/[ "&|()]|$/));
    if (scope === '') throw new InvalidScopes('missing_scope');
    if (!/^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)) throw new InvalidScopes('forbidden_character');
    return scope;
  }

  #quoted(): string {
    const end = this.#rest.indexOf('"');
    if (end < 0) throw new InvalidScopes('unbalanced');
    const scope = this.#splitOff(end);
    this.#splitOff(1);
    return scope;
  }

  #take(wanted: string): boolean {
    const isThere = this.peek() === wanted;
    if (isThere) this.#splitOff(1);
    return isThere;
  }

  #splitOff(length: number): string {
    const taken = this.#rest.slice(0, length);
    this.#rest = this.#rest.slice(length);
    return taken;
  }
}
