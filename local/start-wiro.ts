import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { type Ports, startOn } from './ports.ts';
import type { SimulatorOptions } from './simulator/settings.ts';
import { type Simulator, startSimulator } from './simulator/simulator.ts';
import type { WiroAccess } from './wiro-access.ts';

/** Which Wiro an environment uses. */
export interface WiroOptions {
  /** @default - a new simulator with random credentials */
  readonly wiro?: WiroAccess;
  readonly simulator?: SimulatorOptions;
}

interface SimulatorPlace {
  /** The directory that keeps its tasks across restarts. @default - nothing is kept */
  readonly dataDir?: string;
  readonly durationDivisor?: number;
  readonly ports?: Ports;
}

/** Starts a simulator, unless the environment uses another Wiro. */
export async function startWiro(
  { wiro, simulator: simulatorOptions, durationDivisor = 1, dataDir, ports }: WiroOptions & SimulatorPlace,
  add: (starting: Promise<Simulator>) => Promise<Simulator>,
): Promise<{ access: WiroAccess; simulator?: Simulator }> {
  if (wiro) return { access: wiro };
  const simulator = await add(
    startOn(ports, 'wiro', (port) =>
      startSimulator({
        port,
        apiKey: randomBytes(16).toString('hex'),
        apiSecret: randomBytes(16).toString('hex'),
        durationDivisor,
        ...(dataDir !== undefined && { archiveDir: path.join(dataDir, 'simulator') }),
        ...simulatorOptions,
      }),
    ),
  );
  const { apiUrl, socketUrl, apiKey, apiSecret, outputHost } = simulator;
  return {
    access: { apiUrl, socketUrl, apiKey, ...(apiSecret && { apiSecret }), outputHosts: outputHost },
    simulator,
  };
}
