import type { PriceRow } from './simulated-model.ts';
import type { SimulatedTask } from './tasks.ts';

type Charged = Pick<SimulatedTask, 'model' | 'parameters' | 'inputUrls'> & { readonly outputs: number };

/** What a task that succeeded costs, in USD. */
export function chargeFor(task: Charged, elapsedSeconds: number): number {
  const { price } = task.model;
  // A realtime task has one turn, because no client talks to it.
  if ('perTurnUsd' in price) return price.perTurnUsd;
  if ('perRunUsd' in price) return price.perRunUsd;
  if ('perSecondUsd' in price) return price.perSecondUsd * elapsedSeconds;
  const row = price.rows.find(({ inputs }) => Object.entries(inputs).every((one) => fits(task, one)));
  return row === undefined ? 0 : inMicroDollars(amountOf(task, row));
}

function fits(task: Charged, [id, wanted]: readonly [string, string]): boolean {
  return wanted.startsWith('QUANTITY:')
    ? task.inputUrls.length === Number(wanted.slice('QUANTITY:'.length))
    : String(parameterOf(task, id)) === wanted;
}

function amountOf(task: Charged, { price, priceMethod, priceExtra = price, priceInput = 0 }: PriceRow) {
  switch (priceMethod) {
    case 'cpr':
      return price;
    case 'cpo':
      return price * Math.max(1, task.outputs);
    case 'cp-promptlength':
      return price * String(parameterOf(task, 'prompt')).length;
    case 'cp-outputVideoLength':
      return price * Number(parameterOf(task, 'duration'));
    case 'cp-pixel': {
      const pixels = Number(parameterOf(task, 'width')) * Number(parameterOf(task, 'height'));
      const tiers = Math.max(1, Math.ceil(pixels / (1024 * 1024)));
      return price + priceExtra * (tiers - 1) + priceInput * task.inputUrls.length * tiers;
    }
  }
}

/** As the task was sent it, else the default of the model. */
function parameterOf({ model, parameters }: Charged, id: string): unknown {
  const given = parameters[id];
  if (given !== undefined && given !== '') return given;
  return model.parameters?.flatMap(({ items }) => items).find((item) => item.id === id)?.default ?? '';
}

const inMicroDollars = (usd: number): number => Math.round(usd * 1_000_000) / 1_000_000;
