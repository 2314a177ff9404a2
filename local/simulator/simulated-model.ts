/** A parameter in the form of `Tool/Detail`. */
export interface ModelItem {
  readonly id: string;
  readonly type: string;
  readonly label: string;
  readonly required?: boolean | 'true';
  readonly default?: unknown;
  readonly placeholder?: string;
  readonly note?: string;
  readonly options?: readonly { readonly value: string; readonly label: string }[];
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
}

export interface SimulatedModel {
  readonly id: string;
  readonly owner: string;
  readonly project: string;
  readonly title: string;
  readonly description: string;
  readonly categories: readonly string[];
  readonly parameters: readonly { readonly title: string; readonly items: readonly ModelItem[] }[] | null;
  readonly makes: 'scene' | 'text' | 'bytes';
  readonly price:
    | { readonly perSecondUsd: number }
    | { readonly perRunUsd: number }
    | { readonly perTurnUsd: number }
    /** `dynamicprice`, of which the first row that fits a task counts. */
    | { readonly rows: readonly PriceRow[] };
}

/** A row of `dynamicprice`. */
export interface PriceRow {
  readonly inputs: Readonly<Record<string, string>>;
  readonly price: number;
  readonly priceMethod: 'cpr' | 'cpo' | 'cp-pixel' | 'cp-promptlength' | 'cp-outputVideoLength';
  readonly priceExtra?: number;
  readonly priceInput?: number;
}
