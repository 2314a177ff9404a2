/** A long text to read and to copy, which the keyboard can scroll. */
export function TextBox({ label, text }: { readonly label: string; readonly text: string }) {
  return <textarea class="text" aria-label={label} readOnly spellcheck={false} value={text} />;
}
