export { samplerService } from './service.ts';
