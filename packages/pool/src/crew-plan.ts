/** A child of the workers' supervisor, as far as the plan goes. */
export interface CrewView {
  /** It has finished booting and is alive. */
  readonly ready: boolean;
  /** It is to be replaced. */
  readonly due: boolean;
  /** It finishes its calls, and leaves. */
  readonly retiring: boolean;
  /** The place that it takes calls in; 0 for a spare, and before it is ready. */
  readonly place: number;
}

export interface CrewPlan<M> {
  /** Workers to start. */
  readonly hire: number;
  readonly retire: readonly M[];
}

/**
 * What brings the children of a pool to the number that is wanted. One that is due goes only when there are enough ready ones without it,
 * and they go one at a time.
 *
 * @param crew the oldest first.
 * @param wanted workers and spares.
 * @param limit processes at any time, those included that are leaving.
 */
export function planCrew<M extends CrewView>(crew: readonly M[], wanted: number, limit: number): CrewPlan<M> {
  const staying = crew.filter(({ retiring }) => !retiring);
  // Before it is ready it is of no use to anybody.
  const useless = staying.filter(({ due, ready }) => due && !ready);
  const useful = staying.filter((member) => !useless.includes(member));
  const ready = useful.filter(({ ready }) => ready);
  // Who is due goes first, the oldest before others; then the highest places. Spares go last: their number stays when the pool shrinks.
  const leaving = ready
    .toSorted((a, b) => Number(b.due) - Number(a.due) || (a.due ? 0 : b.place - a.place))
    .slice(0, Math.max(0, ready.length - wanted));

  const left = useful.filter((member) => !leaving.includes(member));
  const enough = wanted + (left.some(({ due }) => due) ? 1 : 0);
  const unneeded = left
    .filter(({ ready }) => !ready)
    .toReversed()
    .slice(0, Math.max(0, left.length - enough));
  const hire = Math.max(0, Math.min(enough - left.length, limit - crew.length));
  return { hire, retire: [...useless, ...leaving, ...unneeded] };
}
