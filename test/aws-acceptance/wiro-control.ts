import type { FaultRule } from '../../local/simulator/fault-rules.ts';
import type { SimulatorState } from '../../local/simulator/state.ts';

/** Calls the simulator's own paths by HTTP, because the stack's Wiro may run on another machine. */
export interface WiroControl {
  addFault(rule: FaultRule): Promise<void>;
  state(): Promise<SimulatorState>;
}

/** @returns `undefined` if the Wiro at this URL is not a simulator. Then no fault can be planned. */
export async function findWiroControl(apiUrl: string): Promise<WiroControl | undefined> {
  const base = `${apiUrl.replace(/\/v1$/, '')}/simulator`;
  const state = async () => {
    const response = await fetch(`${base}/state`);
    if (!response.ok) throw new Error(`${base}/state answered ${response.status}`);
    return (await response.json()) as SimulatorState;
  };
  const isThere = await state().then(
    ({ settings }) => settings !== undefined,
    () => false,
  );
  if (!isThere) return undefined;
  return {
    state,
    addFault: async (rule) => {
      const response = await fetch(`${base}/faults`, { method: 'POST', body: JSON.stringify(rule) });
      if (!response.ok) throw new Error(`The simulator refused a fault: ${await response.text()}`);
    },
  };
}
