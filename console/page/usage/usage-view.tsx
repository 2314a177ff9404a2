/** What the deployment's generations cost, by day and model. */
export function UsageView({ filters: _ }: { readonly filters: URLSearchParams }) {
  return (
    <div class="page">
      <h1>Usage</h1>
      <p class="notice">This deployment does not count its usage yet.</p>
    </div>
  );
}
