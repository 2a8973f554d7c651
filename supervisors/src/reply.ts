/** Where the answer to a request goes. The first answer counts; later ones do nothing. */
export interface Reply<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}
