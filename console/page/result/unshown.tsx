import { useLoad } from '../ui/use-load.ts';

interface UnshownProps {
  readonly url: string;
  /** Said if the file can be read. */
  readonly otherwise?: string;
}

/** Why a file is not shown: its store says no, or the browser cannot read it. */
export function Unshown({ url, otherwise }: UnshownProps) {
  const loaded = useLoad(async (signal) => {
    const answer = await fetch(url, { signal, headers: { range: 'bytes=0-0' } });
    return answer.ok ? otherwise : reasonOf(answer);
  }, url);
  const text = loaded.state === 'loaded' ? loaded.value : loaded.state === 'failed' ? loaded.message : '';
  return text ? <p class="quiet unshown">{text}</p> : null;
}

/** The console's server answers with a sentence. */
export const reasonOf = async (answer: Response): Promise<string> =>
  `Not shown: ${(await answer.text()).trim()}`;
