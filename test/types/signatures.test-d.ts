import { signature, type InputOf, type OutputOf, type SignatureError } from "@dspex/signatures";
import { expectTypeOf } from "expect-type";

// Types follow from the text.
const answer = signature("question, context: list[str] -> answer, confidence: float");
expectTypeOf<InputOf<typeof answer>>().toEqualTypeOf<{ question: string; context: string[] }>();
expectTypeOf<OutputOf<typeof answer>>().toEqualTypeOf<{ answer: string; confidence: number }>();

const everything = signature(`
  a: str, b: int, c: float, d: bool, e: list, f: dict,   # a comment, with 'quotes' and a [bracket
  g: list[list[int]],
  h: dict[str, list[dict[str, int]]],
  i: Literal['x', "y, z", 'a|b]', 1, True, None],
  j: Optional[int],
  k: int | str | None,
  l: Union[int, Literal["it's"], Optional[bool]],
  m: str | (int | float),
  n: Literal['it\\'s' "\\n"],
  o: dict[int, bool,], p : list [ str ],
  -> z: list[Literal['a', 'b']],
`);
expectTypeOf<InputOf<typeof everything>>().toEqualTypeOf<{
  a: string;
  b: number;
  c: number;
  d: boolean;
  e: unknown[];
  f: Record<string, unknown>;
  g: number[][];
  h: Record<string, Record<string, number>[]>;
  i: "x" | "y, z" | "a|b]" | 1 | true | null;
  j: number | null;
  k: number | string | null;
  l: number | "it's" | boolean | null;
  m: string | number;
  n: "it's\n";
  o: Record<string, boolean>;
  p: string[];
}>();
expectTypeOf<OutputOf<typeof everything>>().toEqualTypeOf<{ z: ("a" | "b")[] }>();

// A side may be empty, as in DSPy.
expectTypeOf<InputOf<ReturnType<typeof noInputs>>>().toEqualTypeOf<Record<string, never>>();
const noInputs = () => signature(" -> answer");

// Forty fields a side.
const forty = signature(
  `f01: list[str], f02: list[str], f03: list[str], f04: list[str], f05: list[str], f06: list[str], f07: list[str],
   f08: list[str], f09: list[str], f10: list[str], f11: list[str], f12: list[str], f13: list[str], f14: list[str],
   f15: list[str], f16: list[str], f17: list[str], f18: list[str], f19: list[str], f20: list[str], f21: list[str],
   f22: list[str], f23: list[str], f24: list[str], f25: list[str], f26: list[str], f27: list[str], f28: list[str],
   f29: list[str], f30: list[str], f31: list[str], f32: list[str], f33: list[str], f34: list[str], f35: list[str],
   f36: list[str], f37: list[str], f38: list[str], f39: list[str], f40_a_longer_name: dict[str, Literal['a', 'b']]
   -> g01, g02, g03, g04, g05, g06, g07, g08, g09, g10, g11, g12, g13, g14, g15, g16, g17, g18, g19, g20, g21, g22, g23,
   g24, g25, g26, g27, g28, g29, g30, g31, g32, g33, g34, g35, g36, g37, g38, g39, g40: Optional[Literal['yes', 'no']]`,
);
expectTypeOf<InputOf<typeof forty>["f40_a_longer_name"]>().toEqualTypeOf<Record<string, "a" | "b">>();
expectTypeOf<OutputOf<typeof forty>["g40"]>().toEqualTypeOf<"yes" | "no" | null>();

// A text that the compiler does not know.
const dynamic = signature("q -> a" as string);
expectTypeOf<InputOf<typeof dynamic>>().toEqualTypeOf<Record<string, unknown>>();

// Descriptions name fields of the signature.
signature("question -> answer", {
  instructions: "Be brief.",
  descriptions: { question: "from a user", answer: "one word" },
});
// @ts-expect-error there is no such field
signature("question -> answer", { descriptions: { questoin: "from a user" } });

// What DSPy would not understand, this version does not support, or DSPy would silently change.
// @ts-expect-error unknown or unsupported type: strr
signature("q: strr -> a");
// @ts-expect-error unknown or unsupported type: tuple[int, str]
signature("q -> a: tuple[int, str]");
// @ts-expect-error unknown or unsupported type: dspy.Image
signature("photo: dspy.Image -> a");
// @ts-expect-error unknown or unsupported type: datetime
signature("q -> when: list[Optional[datetime]]");
// @ts-expect-error unknown or unsupported type: Any
signature("q: dict[str, int | Any] -> a");
// @ts-expect-error unknown or unsupported type: int = 3
signature("q: int = 3 -> a");
// @ts-expect-error unknown or unsupported type: list[str
signature("q: list[str -> a");
// @ts-expect-error list takes one argument
signature("q: list[int, str] -> a");
// @ts-expect-error dict takes two arguments
signature("q: dict[str] -> a");
// @ts-expect-error a dict's key is str, int or a Literal of these
signature("q: dict[list[str], int] -> a");
// @ts-expect-error Optional takes one argument
signature("q: Optional[int, str] -> a");
// @ts-expect-error None stands alone
signature("q: None -> a");
// @ts-expect-error cannot be a value of a Literal: 1.5
signature("q: Literal['a', 1.5] -> a");
// @ts-expect-error cannot be a value of a Literal: -3
signature("q: Literal[-3] -> a");
// @ts-expect-error there is no ->
signature("question");
// @ts-expect-error exactly one ->
signature("a -> b -> c");
// @ts-expect-error exactly one ->, even within quotes
signature("q -> a: Literal['x -> y']");
// @ts-expect-error declared twice: a
signature("a, a -> b");
// @ts-expect-error both an input and an output: value
signature("value -> value");
// @ts-expect-error a Python keyword cannot be the name of a field: from
signature("from -> to");
// @ts-expect-error a name cannot start with an underscore: _private
signature("_private -> a");
// @ts-expect-error DSPy reserves this name: config
signature("config -> a");
// @ts-expect-error DSPy reserves this name: signature
signature("q -> signature");
// @ts-expect-error not a Python identifier: 1st
signature("1st -> a");
// @ts-expect-error not a Python identifier: my-field
signature("my-field -> a");
// @ts-expect-error an input has no name
signature("a,, b -> c");

// The error is a type that says what is wrong.
expectTypeOf(signature<"q: strr -> a">)
  .parameter(0)
  .toEqualTypeOf<SignatureError<"unknown or unsupported type: strr">>();

// What a program of the signature may be called with.
declare function call<In>(
  program: { readonly "~types"?: { readonly input: In; readonly output: unknown } },
  input: NoInfer<In>,
): void;
call(answer, { question: "What?", context: [] });
// @ts-expect-error context is missing
call(answer, { question: "What?" });
// @ts-expect-error context is a list
call(answer, { question: "What?", context: "none" });
