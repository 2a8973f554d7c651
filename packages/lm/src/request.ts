/*
 * The normal form of LM requests and replies, on the wire and in the host: the JSON form of DSPy 3.4's lm15 types
 * (`request_to_dict` and `response_to_dict` of `dspy/_vendor/lm15/serde.py`). Fields keep DSPy's spelling. What is empty is
 * left out.
 */

/** What a program asks of a language model. */
export interface LmRequest {
  /** The name that DSPy's LM has; adapters put their own model's name in its place. */
  readonly model: string;
  readonly messages: readonly LmMessage[];
  readonly system?: string | readonly LmPart[];
  readonly tools?: readonly LmTool[];
  readonly config?: LmConfig;
}

export interface LmMessage {
  readonly role: "user" | "assistant" | "tool" | "developer";
  /** At least one. */
  readonly parts: readonly LmPart[];
  readonly continuation?: readonly LmContinuation[];
}

/** Opaque state of a provider that belongs to a message or part. */
export interface LmContinuation {
  readonly provider: string;
  readonly kind: string;
  readonly data: unknown;
}

export type LmPart = (
  | LmTextPart
  | LmMediaPart
  | LmToolCallPart
  | { readonly type: "thinking" | "refusal"; readonly text: string }
  | { readonly type: "citation"; readonly text?: string; readonly url?: string; readonly title?: string }
  | {
      readonly type: "tool_result";
      /** Of the tool call that it answers. */
      readonly id: string;
      readonly name?: string;
      readonly content: readonly LmPart[];
      readonly is_error?: boolean;
    }
  | {
      readonly type: "data";
      readonly value: unknown;
      readonly probabilities?: Readonly<Record<string, Readonly<Record<string, number>>>>;
      readonly method?: string;
    }
) & { readonly continuation?: readonly LmContinuation[] };

export interface LmTextPart {
  readonly type: "text";
  readonly text: string;
}

/** Exactly one of `data` (base64), `url`, `file_id` and `path` is there. */
export interface LmMediaPart {
  readonly type: "image" | "audio" | "video" | "document" | "binary";
  readonly media_type: string;
  readonly data?: string;
  readonly url?: string;
  readonly file_id?: string;
  readonly path?: string;
  /** Images only. */
  readonly detail?: string;
}

export interface LmToolCallPart {
  readonly type: "tool_call";
  readonly id: string;
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
}

export type LmTool =
  | {
      readonly type: "function";
      readonly name: string;
      readonly description?: string;
      /** JSON Schema. */
      readonly parameters: Readonly<Record<string, unknown>>;
    }
  | { readonly type: "builtin"; readonly name: string; readonly config?: Readonly<Record<string, unknown>> };

export interface LmConfig {
  readonly max_tokens?: number;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  readonly stop?: readonly string[];
  readonly response_format?: LmResponseFormat;
  readonly tool_choice?: LmToolChoice;
  readonly reasoning?: {
    readonly effort?: string;
    readonly thinking_budget?: number;
    readonly summary?: string;
  };
  readonly cache?: Readonly<Record<string, unknown>>;
  readonly seed?: number;
  readonly frequency_penalty?: number;
  readonly presence_penalty?: number;
  readonly service_tier?: string;
  readonly user_id?: string;
  readonly store?: boolean;
  /** 0: of the chosen tokens only; n: of n alternatives too. */
  readonly logprobs?: number;
  readonly probabilities?: string;
  /** Parameters of one provider, passed on as they are. */
  readonly extensions?: Readonly<Record<string, unknown>>;
}

export type LmResponseFormat =
  | { readonly type: "json_object" }
  | {
      readonly type: "json_schema";
      readonly schema: Readonly<Record<string, unknown>>;
      readonly name?: string;
      readonly strict?: boolean;
    };

export interface LmToolChoice {
  readonly mode?: "auto" | "none" | "required";
  /** Names of tools; absent: all. */
  readonly allowed?: readonly string[];
  readonly parallel?: boolean;
}

/** What a language model answered. */
export interface LmResponse {
  readonly id?: string | null;
  readonly model: string;
  readonly message: LmMessage & { readonly role: "assistant" };
  readonly finish_reason: LmFinishReason;
  readonly usage?: LmUsage;
  readonly logprobs?: readonly LmTokenLogprob[];
}

export type LmFinishReason = "stop" | "length" | "tool_call" | "content_filter" | "error";

/** Tokens, as the provider counts them. An absent number was not reported, which is not zero. */
export interface LmUsage {
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly total_tokens?: number;
  readonly cache_read_tokens?: number;
  readonly cache_write_tokens?: number;
  readonly reasoning_tokens?: number;
  readonly input_audio_tokens?: number;
  readonly output_audio_tokens?: number;
}

export interface LmLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes?: readonly number[];
}

export interface LmTokenLogprob extends LmLogprob {
  readonly top?: readonly LmLogprob[];
}
