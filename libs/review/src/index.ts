export { gatewayService, livePass } from './service.ts';
export { type Summary, summarize } from './summary.ts';
