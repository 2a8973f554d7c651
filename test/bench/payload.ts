/** About 1 KB of JSON, of the shapes that programs exchange. */
export const payload = {
  question: "What is the refund policy for orders that arrive damaged? ".repeat(6),
  context: Array.from(
    { length: 6 },
    (_, index) => `Passage ${index}: returns are accepted within thirty days of delivery.`,
  ),
  options: { temperature: 0.2, max_tokens: 512, stream: false, tags: ["support", "refund", "de"] },
};

/** About 10 KB of the same shape: many small containers, which a codec with types is slow at. */
export const manyPayloads = { items: Array.from({ length: 12 }, () => payload) };

/** About 10 KB of another shape: a question with what was retrieved for it. */
export const documents = {
  question: payload.question,
  documents: Array.from({ length: 12 }, (_, index) => ({
    id: `policies/returns-${index}`,
    title: "Returns, refunds and damaged goods",
    text: `Returns are accepted within thirty days of delivery, as section ${index} says. `.repeat(9),
    score: 1 / (index + 1.5),
    tags: ["support", "refund"],
  })),
  options: payload.options,
};
