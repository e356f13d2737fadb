export { type GatewayPorts, gatewayService, livePass } from './service.ts';
export { type Summary, type SummaryFacts, summarize } from './summary.ts';
