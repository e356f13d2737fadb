export { type DownloadedModel, type DownloadOptions, type DownloadProgress, downloadModel } from './download-model.ts';
export type { HubModel } from './requests.ts';
export { type HubSettings, hubSettings } from './settings.ts';
