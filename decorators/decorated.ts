import { SchemaError } from '../lib/errors.js';
import { type ClassDescription, describe, describeIn } from '../lib/schema/description.js';

/**
 * What a standard (TC39) decorator is told of the place where it stands, as far as is needed here. A legacy one
 * (`experimentalDecorators`) is given a class alone, or a prototype and a name: that is how the two are told apart.
 */
export interface StandardContext {
  readonly kind: 'class' | 'method' | 'getter' | 'setter' | 'field' | 'accessor';
  readonly name: string | symbol | undefined;
  readonly static?: boolean;
  readonly private?: boolean;
  /** One object for all decorators of a class. */
  readonly metadata?: object | undefined;
}

/** Where a decorator stands, of either kind; `undefined` on a class that is decorated the legacy way. */
export type Place = string | symbol | StandardContext | undefined;

interface FieldContext extends StandardContext {
  readonly kind: 'field';
  readonly name: string;
  readonly private: false;
}

/** A decorator of instance properties, standard or legacy. */
export interface FieldDecorator {
  (value: undefined, context: FieldContext & { readonly static: false }): void;
  (prototype: object, property: string | symbol): void;
}

/** A decorator of static properties, standard or legacy. */
export interface StaticFieldDecorator {
  (value: undefined, context: FieldContext & { readonly static: true }): void;
  (target: object, property: string | symbol): void;
}

/** A decorator of classes, standard or legacy. */
export interface EntityDecorator {
  (target: object, context: StandardContext & { readonly kind: 'class' }): void;
  (target: object): void;
}

/** A decorator that writes what it says of an instance property into the description of its class. */
export function fieldDecorator(decorator: string, write: (description: ClassDescription, property: string) => void): FieldDecorator {
  return (target: unknown, place: Place): void => {
    const [wrong, fix] = whatIsWrong(target, place) ?? [];
    if (wrong === undefined) write(memberDescription(target, place), nameOf(place) as string);
    else misplaced(target, place, `${decorator} stands on ${wrong}`, fix as string);
  };
}

/** What a decorator stands on that is no property of rows, and what to do about it. */
function whatIsWrong(target: unknown, place: Place): [wrong: string, fix: string] | undefined {
  const standard = isStandard(place);
  if (standard && place.kind !== 'field')
    return [`what is ${place.kind === 'accessor' ? 'an' : 'a'} ${place.kind}`, 'Decorate plain properties'];
  if (standard && place.private) return ['a private property', 'Make it public'];
  if (standard ? place.static : typeof target === 'function') return ['a static property', 'Decorate instance properties'];
  return typeof nameOf(place) === 'string' ? undefined : ['a symbol', 'Give the property a plain name'];
}

/** The description of a decorated class; `undefined` where no class is decorated, but a member. */
export function classDescription(target: unknown, place: Place): ClassDescription | undefined {
  if (isStandard(place)) return place.kind === 'class' ? describeIn(metadataOf(place)) : undefined;
  return place === undefined ? describe(target as object) : undefined;
}

/** The description of the class of a decorated member. */
export function memberDescription(target: unknown, place: Place): ClassDescription {
  if (isStandard(place)) return describeIn(metadataOf(place));
  return describe(typeof target === 'function' ? target : (target as object).constructor);
}

/** Refuses a decorator where it stands: at once, or, where the class has no name yet, as soon as it is known. */
export function misplaced(target: unknown, place: Place, cause: string, fix: string): void {
  const property = String(nameOf(place));
  if (isStandard(place)) {
    describeIn(metadataOf(place)).misplaced.push({ property, cause, fix });
  } else {
    const owner = (typeof target === 'function' ? target : (target as object).constructor) as { name: string };
    throw new SchemaError(owner.name, property, cause, fix);
  }
}

export function isStandard(place: unknown): place is StandardContext {
  return typeof place === 'object' && place !== null && 'kind' in place;
}

/** Whether this is the class whose decorators were given this metadata, under whichever symbol it is kept. */
export function hasMetadata(owner: object, metadata: object): boolean {
  const symbols = Object.getOwnPropertySymbols(owner);
  return symbols.some((symbol) => Object.getOwnPropertyDescriptor(owner, symbol)?.value === metadata);
}

export function nameOf(place: Place): string | symbol | undefined {
  return isStandard(place) ? place.name : place;
}

function metadataOf(context: StandardContext): object {
  if (typeof context.metadata === 'object' && context.metadata !== null) return context.metadata;
  throw new SchemaError(
    '(a class)',
    String(context.name),
    'the compiler gives its standard decorators no metadata',
    "Use TypeScript 5.2 or later, or decoratorVersion '2023-11' in swc and Babel, or legacy decorators",
  );
}
