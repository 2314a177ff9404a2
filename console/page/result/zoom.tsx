import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';

interface Picture {
  readonly src: string;
  readonly name: string;
}

const shown = signal<Picture | undefined>(undefined);

export function openPicture(picture: Picture): void {
  shown.value = picture;
}

/** A picture as large as the window, or in its own size. */
export function Zoom() {
  const picture = shown.value;
  const dialog = useRef<HTMLDialogElement>(null);
  const [isFull, setFull] = useState(false);
  useEffect(() => {
    setFull(false);
    if (picture) dialog.current?.showModal();
  }, [picture]);
  const close = () => {
    dialog.current?.close();
    shown.value = undefined;
  };
  if (picture === undefined) return null;
  return (
    <dialog ref={dialog} class="zoom" aria-label={picture.name} onClose={close}>
      <div class="bar">
        <span class="filename">{picture.name}</span>
        <button type="button" aria-pressed={isFull} onClick={() => setFull(!isFull)}>
          {isFull ? 'Fit' : 'Full size'}
        </button>
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
      <div class={isFull ? 'stage full' : 'stage'}>
        <img src={picture.src} alt={picture.name} />
      </div>
    </dialog>
  );
}
