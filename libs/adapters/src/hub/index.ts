export { downloadModel } from './download-model.ts';
export { hubSettings } from './settings.ts';
