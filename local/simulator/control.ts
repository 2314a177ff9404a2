import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Faults } from './faults.ts';
import { sendJson } from './http-answers.ts';
import { parseFaultRule } from './parse-fault-rule.ts';
import { RequestError, readText } from './request.ts';
import { changeSettings, parseSettingsChange, type Settings } from './settings.ts';
import type { SimulatorState } from './state.ts';

export interface ControlDeps {
  readonly settings: Settings;
  readonly faults: Faults;
  readonly state: () => SimulatorState;
  readonly expireUploads: () => Promise<void>;
}

/** Serves `/simulator/*`, which Wiro does not have. Tests in other processes control and inspect the simulator with it. */
export async function serveControl(
  { settings, faults, state, expireUploads }: ControlDeps,
  url: URL,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [, , what = '', id] = url.pathname.split('/');
  try {
    switch (`${request.method} ${what}`) {
      case 'GET state':
        return sendJson(response, state());
      case 'GET faults':
        return sendJson(response, { faults: faults.list() });
      case 'POST faults': {
        const rules = [await readJson(request)].flat().map(parseFaultRule);
        return sendJson(response, { ids: faults.add(...rules) });
      }
      case 'DELETE faults':
        faults.clear(...(id === undefined ? [] : [decodeURIComponent(id)]));
        return sendJson(response, { faults: faults.list() });
      case 'POST settings':
        changeSettings(settings, parseSettingsChange(await readJson(request)));
        return sendJson(response, { settings: state().settings });
      case 'POST expire-uploads':
        await expireUploads();
        return sendJson(response, {});
      default:
        return sendJson(
          response,
          {
            error:
              'This path does not exist. Use GET /simulator/state, GET, POST or DELETE /simulator/faults, POST /simulator/settings or POST /simulator/expire-uploads.',
          },
          404,
        );
    }
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RequestError || error instanceof SyntaxError))
      throw error;
    sendJson(response, { error: error.message }, 400);
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  return JSON.parse(await readText(request));
}
