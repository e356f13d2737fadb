export { type SamplerPorts, samplerService } from './service.ts';
