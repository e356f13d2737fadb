/** What one program measured, at one size; both programs print it as JSON. CPU seconds, so that a busy machine does not count. */
export interface Measurement {
  readonly name: string;
  readonly trained: number;
  readonly scored: number;
  /** Share of the scored documents whose label agrees with people's. */
  readonly accuracy: number;
  /** Choice of settings by cross-validation included, reading files excluded. */
  readonly trainCpuSeconds: number;
  /** From strings in memory to labels. */
  readonly documentsPerCpuSecond: number;
  /** Of the program so far, what it measured before included. */
  readonly peakMegabytes: number;
}
