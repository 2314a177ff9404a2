/** `Promise.withResolvers`, which Node 20 lacks: the package's command runs there too. */
export function createDeferred(): PromiseWithResolvers<void> {
  let settle: Pick<PromiseWithResolvers<void>, 'resolve' | 'reject'> | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  if (settle === undefined) throw new Error('A promise runs its function at once');
  return { promise, ...settle };
}
