import type { Generation } from './generation.ts';

/**
 * Whether the outputs of a dropped file's first attempt lie directly in its folder, and those of later ones in
 * `attempt-<n>/`. The folder was named at acceptance. Earlier releases ended its name with the whole id, and put the
 * outputs of each attempt into `<attempt>/`.
 */
export const isFlatFolder = ({
  id,
  outputFolder,
}: {
  readonly id: string;
  readonly outputFolder: Generation['outputFolder'] | undefined;
}): boolean => outputFolder !== undefined && !outputFolder.endsWith(`-${id}/`);
