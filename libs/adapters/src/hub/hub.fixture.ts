import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong with a request: another status, contents cut off or changed, or no word at all. */
export type Fault =
  | { readonly status: number; readonly headers?: Record<string, string> }
  | { readonly cutAfter: number }
  | { readonly silentAfter: number }
  | { readonly changed: true }
  | { readonly tooLong: true }
  | { readonly ignoresRange: true }
  | { readonly silent: true };

export interface Asked {
  readonly host: 'hub' | 'store';
  readonly method: string;
  readonly path: string;
  readonly authorization: string | null;
  readonly range: string | null;
}

export interface LocalHub {
  readonly endpoint: string;
  readonly asked: Asked[];
  /** By file name; those that end in .safetensors are in LFS, at another address. */
  readonly files: Map<string, Buffer>;
  /** The token that may read the model; null: everybody may. */
  token: string | null;
  commit: string;
  /** Decides what goes wrong with a request. */
  fault: (asked: Asked) => Fault | null;
  close(): Promise<void>;
}

/** A model `acme/tiny` on a hub of two servers, the hub itself and the store of its large files, as huggingface.co has them. */
export async function localHub(files: Readonly<Record<string, Buffer | string>>): Promise<LocalHub> {
  const contents = new Map(Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes)]));
  const store = createServer((request, response) => {
    const asked = note('store', request);
    sendFile(request, response, contents.get(decodeURIComponent(asked.path.slice(1)))!, '"of-the-store"', hub.fault(asked));
  });
  const front = createServer((request, response) => {
    const asked = note('hub', request);
    answer(hub, addressOf(store), request, response, asked);
  });
  const note = (host: 'hub' | 'store', request: IncomingMessage): Asked => {
    const { method = '', url = '', headers } = request;
    const asked = { host, method, path: url, authorization: headers.authorization ?? null, range: headers.range ?? null };
    hub.asked.push(asked);
    return asked;
  };
  await Promise.all([store, front].map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))));
  const hub: LocalHub = {
    endpoint: addressOf(front),
    asked: [],
    files: contents,
    token: null,
    commit: 'c'.repeat(40),
    fault: () => null,
    async close() {
      for (const server of [store, front]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
  return hub;
}

function addressOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
export const gitDigest = (bytes: Buffer): string => createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');

function answer(hub: LocalHub, store: string, request: IncomingMessage, response: ServerResponse, asked: Asked): void {
  const end = (status: number, headers: Record<string, string> = {}, body = '') => response.writeHead(status, headers).end(body);
  const fault = hub.fault(asked);
  if (fault !== null && 'status' in fault) return void end(fault.status, fault.headers);
  if (fault !== null && 'silent' in fault) return;
  if (hub.token !== null && asked.authorization !== `Bearer ${hub.token}`) return void end(401, { 'x-error-code': 'RepoNotFound' });
  const described = /^\/api\/models\/acme\/tiny\/revision\/([^/]+)$/.exec(asked.path);
  if (described !== null) {
    const revision = decodeURIComponent(described[1]!);
    if (!['main', 'refs/pr/1', hub.commit].includes(revision)) return void end(404, { 'x-error-code': 'RevisionNotFound' });
    const siblings = [...hub.files.keys()].map((rfilename) => ({ rfilename }));
    return void end(200, { 'content-type': 'application/json' }, JSON.stringify({ id: 'acme/tiny', sha: hub.commit, siblings }));
  }
  const [, prefix, commit, name] =
    /^(\/acme\/tiny\/resolve|\/api\/resolve-cache\/models\/acme\/tiny)\/(\w+)\/([^/]+)$/.exec(asked.path) ?? [];
  const bytes = hub.files.get(decodeURIComponent(name ?? ''));
  if (prefix === undefined || (commit !== hub.commit && commit !== 'main')) return void end(404, { 'x-error-code': 'RepoNotFound' });
  const common = { 'x-repo-commit': hub.commit };
  if (bytes === undefined) return void end(404, { ...common, 'x-error-code': 'EntryNotFound' });
  if (name!.endsWith('.safetensors')) {
    const linked = { 'x-linked-etag': `"${sha256(bytes)}"`, 'x-linked-size': String(bytes.length) };
    return void end(302, { ...common, ...linked, location: `${store}/${name}` }, 'Found. Redirecting');
  }
  // Small files come by a relative redirect, as they do from huggingface.co.
  if (prefix.startsWith('/acme')) return void end(307, { ...common, location: `/api/resolve-cache/models/acme/tiny/${commit}/${name}` });
  for (const [header, value] of Object.entries(common)) response.setHeader(header, value);
  sendFile(request, response, bytes, `"${gitDigest(bytes)}"`, fault);
}

function sendFile(request: IncomingMessage, response: ServerResponse, bytes: Buffer, etag: string, fault: Fault | null): void {
  if (fault !== null && 'status' in fault) return void response.writeHead(fault.status, fault.headers).end();
  if (fault !== null && 'silent' in fault) return;
  const kind = fault === null ? 'none' : Object.keys(fault)[0];
  const start = kind === 'ignoresRange' ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  if (start > 0 && start >= bytes.length) return void response.writeHead(416).end();
  let rest = bytes.subarray(start);
  if (kind === 'changed') rest = rest.map((byte) => byte ^ 1) as Buffer;
  if (kind === 'tooLong') rest = Buffer.concat([rest, Buffer.from('more')]);
  response.writeHead(start > 0 ? 206 : 200, {
    etag,
    'content-length': rest.length,
    'accept-ranges': 'bytes',
    ...(start > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
  });
  if (request.method === 'HEAD') return void response.end();
  if (fault !== null && 'silentAfter' in fault) return void response.write(rest.subarray(0, fault.silentAfter));
  if (fault === null || !('cutAfter' in fault)) return void response.end(rest);
  response.write(rest.subarray(0, fault.cutAfter), () => response.destroy());
}
