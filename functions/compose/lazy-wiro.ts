import type { WiroClient } from '../wiro/types.ts';

type Asked = Pick<WiroClient, 'task' | 'models' | 'model'>;

/** Creates a client that is loaded with its first question: `api` answers most requests without asking Wiro. */
export function createLazyWiro(
  ...settings: Parameters<typeof import('./wiro-client.ts').createDeploymentWiro>
): Asked {
  let client: Asked | undefined;
  const load = async () => {
    const { createDeploymentWiro } = await import('./wiro-client.ts');
    client ??= createDeploymentWiro(...settings);
    return client;
  };
  return {
    task: async (...asked) => (await load()).task(...asked),
    models: async (...asked) => (await load()).models(...asked),
    model: async (...asked) => (await load()).model(...asked),
  };
}
