import type { Keyword, ReservedName, Side } from "./names.ts";

/*
 * DSPy's signature text, parsed by the compiler. Independent of the parser at run time and never stricter than it: a text
 * that this one rejects, that one rejects; where both accept, the types are those of the tree.
 *
 * Splitting works on chunks between separators, jumps over quoted text, and looks at single characters only where there
 * are brackets: the compiler follows at most 1,000 steps, which would otherwise be 1,000 characters a side.
 */

/** What the compiler shows in place of a type when a signature is not right. */
export interface SignatureError<Message extends string> {
  readonly "signature error": Message;
}

type Blank = " " | "\t" | "\n" | "\r" | "\f";
type Digit = "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9";
type Quote = "'" | '"';

type Trim<S extends string> = S extends `${Blank}${infer Rest}`
  ? Trim<Rest>
  : S extends `${infer Rest}${Blank}`
    ? Trim<Rest>
    : S;

/**
 * Reads a chunk character by character and carries on the state of the last one: `Text` so far without comments, one `(`
 * in `Depth` for every open bracket, and in `Mode` the open quote, or `#` within a comment.
 */
type Scan<S extends string, Text extends string, Depth extends string, Mode extends string> = Mode extends ""
  ? S extends `${infer Char}${infer Rest}`
    ? Char extends "#"
      ? Scan<Rest, Text, Depth, "#">
      : Char extends "[" | "("
        ? Scan<Rest, `${Text}${Char}`, `${Depth}(`, "">
        : Char extends "]" | ")"
          ? Scan<Rest, `${Text}${Char}`, Depth extends `(${infer Outer}` ? Outer : "", "">
          : Scan<Rest, `${Text}${Char}`, Depth, Char extends Quote ? Char : "">
    : [Text, Depth, ""]
  : Mode extends "#"
    ? S extends `${string}\n${infer Rest}`
      ? Scan<Rest, `${Text}\n`, Depth, "">
      : [Text, Depth, "#"]
    : S extends `${infer Body}${Mode}${infer Rest}`
      ? Body extends `${infer Plain}\\${string}`
        ? S extends `${Plain}\\${infer Escaped}${infer After}`
          ? Scan<After, `${Text}${Plain}\\${Escaped}`, Depth, Mode>
          : never
        : Scan<Rest, `${Text}${Body}${Mode}`, Depth, "">
      : [`${Text}${S}`, Depth, Mode];

type Special = Quote | "[" | "(" | "]" | ")" | "#";

/** Splits at the separators outside brackets, quotes and comments. */
type Split<
  S extends string,
  Separator extends "," | "|",
  Out extends string[] = [],
  Text extends string = "",
  Depth extends string = "",
  Mode extends string = "",
> = S extends `${infer Head}${Separator}${infer Tail}`
  ? `${Depth}${Mode}${Head}` extends `${string}${Special}${string}`
    ? Scan<Head, Text, Depth, Mode> extends [
        infer T extends string,
        infer D extends string,
        infer M extends string,
      ]
      ? `${D}${M}` extends ""
        ? Split<Tail, Separator, [...Out, T]>
        : Split<Tail, Separator, Out, M extends "#" ? T : `${T}${Separator}`, D, M>
      : never
    : Split<Tail, Separator, [...Out, Head]>
  : Scan<S, Text, Depth, Mode> extends [infer T extends string, string, string]
    ? [...Out, T]
    : never;

/** A parsed type stands in a tuple, so that an error can never be taken for one. */
type Basic = {
  str: [string];
  int: [number];
  float: [number];
  bool: [boolean];
  list: [unknown[]];
  dict: [Record<string, unknown>];
};

type Unknown<S extends string> = SignatureError<`unknown or unsupported type: ${S}`>;
type NoneAlone = SignatureError<"None stands alone: use it in a union">;

type ParseType<S extends string, InUnion extends boolean = false> =
  Trim<S> extends keyof Basic ? Basic[Trim<S>] : Members<Split<S, "|">, InUnion>;

type Members<Parts extends string[], InUnion extends boolean> = Parts extends [infer Only extends string]
  ? Primary<Trim<Only>, InUnion>
  : Union<Parts>;

type Union<Parts extends string[], Out = never> = Parts extends [
  infer Head extends string,
  ...infer Tail extends string[],
]
  ? ParseType<Head, true> extends infer Parsed
    ? Parsed extends [infer T]
      ? Union<Tail, Out | T>
      : Parsed
    : never
  : [Out];

type Primary<S extends string, InUnion extends boolean> = S extends keyof Basic
  ? Basic[S]
  : S extends "None"
    ? InUnion extends true
      ? [null]
      : NoneAlone
    : S extends `(${infer Inner})`
      ? ParseType<Inner, InUnion>
      : S extends `${infer Name}[${infer Arguments}]`
        ? Generic<Trim<Name>, WithoutTrailing<Split<Arguments, ",">>, S>
        : Unknown<S>;

/** A trailing comma leaves an empty last part. */
type WithoutTrailing<Parts extends string[]> = Parts extends [
  ...infer Init extends string[],
  infer Last extends string,
]
  ? Init extends []
    ? Parts
    : Trim<Last> extends ""
      ? Init
      : Parts
  : Parts;

type Generic<Name extends string, Arguments extends string[], S extends string> = Name extends "list"
  ? Arguments extends [infer Item extends string]
    ? ListOf<ParseType<Item>>
    : SignatureError<`list takes one argument: ${S}`>
  : Name extends "dict"
    ? Arguments extends [infer Key extends string, infer Value extends string]
      ? DictOf<ParseType<Key>, ParseType<Value>, S>
      : SignatureError<`dict takes two arguments: ${S}`>
    : Name extends "Optional"
      ? Arguments extends [infer Of extends string]
        ? OptionalOf<ParseType<Of, true>>
        : SignatureError<`Optional takes one argument: ${S}`>
      : Name extends "Union"
        ? Union<Arguments>
        : Name extends "Literal"
          ? Literals<Arguments>
          : Unknown<S>;

type ListOf<Item> = Item extends [infer T] ? [T[]] : Item;

type OptionalOf<Of> = Of extends [infer T] ? [T | null] : Of;

type DictOf<Key, Value, S extends string> = Key extends [unknown]
  ? Key extends [string | number]
    ? Value extends [infer V]
      ? [Record<string, V>]
      : Value
    : SignatureError<`a dict's key is str, int or a Literal of these: ${S}`>
  : Key;

type Literals<Parts extends string[], Out = never> = Parts extends [
  infer Head extends string,
  ...infer Tail extends string[],
]
  ? LiteralOf<Trim<Head>> extends infer Parsed
    ? Parsed extends [infer T]
      ? Literals<Tail, Out | T>
      : Parsed
    : never
  : [Out];

type Constants = { True: [true]; False: [false]; None: [null] };
type NotLiteral<S extends string> = SignatureError<`cannot be a value of a Literal: ${S}`>;

type LiteralOf<S extends string> = S extends keyof Constants
  ? Constants[S]
  : S extends `${Quote}${string}`
    ? StringOf<S>
    : S extends `-${string}`
      ? NotLiteral<S>
      : S extends `${bigint}` & `${infer N extends number}`
        ? [N]
        : NotLiteral<S>;

type StringOf<S extends string> = S extends `'${infer Plain}'` | `"${infer Plain}"`
  ? Plain extends `${string}${Quote | "\\"}${string}`
    ? Unquote<S, S>
    : [Plain]
  : Unquote<S, S>;

type Escapes = { "\\": "\\"; "'": "'"; '"': '"'; n: "\n"; r: "\r"; t: "\t" };

/** Adjacent strings are one, as in Python. */
type Unquote<
  S extends string,
  Whole extends string,
  Out extends string = "",
  Open extends string = "",
> = S extends `${infer Char}${infer Rest}`
  ? Open extends ""
    ? Char extends Quote
      ? Unquote<Rest, Whole, Out, Char>
      : Char extends Blank
        ? Unquote<Rest, Whole, Out, "">
        : NotLiteral<Whole>
    : Char extends Open
      ? Unquote<Rest, Whole, Out, "">
      : Char extends "\\"
        ? Rest extends `${infer Escaped extends keyof Escapes}${infer After}`
          ? Unquote<After, Whole, `${Out}${Escapes[Escaped]}`, Open>
          : NotLiteral<Whole>
        : Unquote<Rest, Whole, `${Out}${Char}`, Open>
  : Open extends ""
    ? [Out]
    : NotLiteral<Whole>;

type Forbidden =
  | Blank
  | Quote
  | "-"
  | "."
  | "*"
  | "/"
  | "="
  | "?"
  | "!"
  | "@"
  | "$"
  | "|"
  | "["
  | "]"
  | "("
  | ")";

type CheckName<
  Name extends string,
  S extends Side,
  Own extends string,
  Other extends string,
> = Name extends ""
  ? SignatureError<`an ${S} has no name`>
  : Name extends Keyword
    ? SignatureError<`a Python keyword cannot be the name of a field: ${Name}`>
    : Name extends ReservedName<S>
      ? SignatureError<`DSPy reserves this name: ${Name}`>
      : Name extends `_${string}`
        ? SignatureError<`a name cannot start with an underscore: ${Name}`>
        : Name extends `${Digit}${string}` | `${string}${Forbidden}${string}`
          ? SignatureError<`not a Python identifier: ${Name}`>
          : Name extends Own
            ? SignatureError<`declared twice: ${Name}`>
            : Name extends Other
              ? SignatureError<`both an input and an output: ${Name}`>
              : true;

type FieldOf<S extends string> = S extends `${infer Name}:${infer Type}`
  ? [Trim<Name>, ParseType<Type>]
  : [Trim<S>, [string]];

/** The fields of one side as a union of `[name, type]`, or an error. */
type Fields<
  Parts extends string[],
  S extends Side,
  Other extends string,
  Out extends [string, unknown] = never,
> = Parts extends [infer Head extends string, ...infer Tail extends string[]]
  ? FieldOf<Head> extends [infer Name extends string, infer Type]
    ? [Name, Tail] extends ["", []]
      ? Out
      : CheckName<Name, S, Out[0], Other> extends infer Check
        ? Check extends true
          ? Type extends [infer T]
            ? Fields<Tail, S, Other, Out | [Name, T]>
            : Type
          : Check
        : never
    : never
  : Out;

type ObjectOf<Pairs extends [string, unknown]> = [Pairs] extends [never]
  ? Record<string, never>
  : { [Pair in Pairs as Pair[0]]: Pair[1] };

/** `{ input, output }`, or an error. A text that the compiler does not know has fields of unknown types. */
type ParseSignature<Text extends string> = string extends Text
  ? { input: Record<string, unknown>; output: Record<string, unknown> }
  : Text extends `${infer Left}->${infer Right}`
    ? Right extends `${string}->${string}`
      ? SignatureError<"exactly one -> is allowed, even within quotes">
      : Fields<Split<Left, ",">, "input", never> extends infer Inputs
        ? [Inputs] extends [[string, unknown]]
          ? Fields<Split<Right, ",">, "output", Inputs[0]> extends infer Outputs
            ? [Outputs] extends [[string, unknown]]
              ? { input: ObjectOf<Inputs>; output: ObjectOf<Outputs> }
              : Outputs
            : never
          : Inputs
        : never
    : SignatureError<"there is no ->">;

/** The text itself, or the error that the compiler shall show. */
export type CheckedText<Text extends string> =
  ParseSignature<Text> extends infer Parsed
    ? Parsed extends SignatureError<infer M>
      ? SignatureError<M>
      : Text
    : never;

export type InputOfText<Text extends string> = ParseSignature<Text> extends { input: infer In } ? In : never;
export type OutputOfText<Text extends string> =
  ParseSignature<Text> extends { output: infer Out } ? Out : never;
