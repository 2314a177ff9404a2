const PATIENCE_MS = 5_000;

/** Says in one sentence that Wiro cannot be reached, before the functions' logs say it for each generation. */
export async function reportUnreachable(
  apiUrl: string,
  print: (line: string) => void,
  ask: typeof fetch = fetch,
): Promise<void> {
  try {
    // Any answer will do.
    const response = await ask(apiUrl, {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    await response.body?.cancel();
  } catch (error) {
    const { cause, name } = error as Error & { readonly cause?: { readonly code?: string } };
    print(
      `Wiro does not answer at ${new URL(apiUrl).host} (${cause?.code ?? name}): is this machine online? Requests are accepted, and run once Wiro answers.`,
    );
  }
}
