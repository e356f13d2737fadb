/**
 * Installs the npm packages when node_modules is missing or was not installed from the present lock and package.json files; otherwise does
 * nothing, fast. `npm start` and `npm test` begin with it. Plain JavaScript: it runs on whatever Node the machine has, before Node 24 is there.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 20;
const OLDEST_NPM = 9;
const NETWORK_ERROR =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|FETCH_ERROR|EIDLETIMEOUT)\b/;
/** npm's own pauses add up to more than a minute before it says that the registry is away. */
const SHORT_RETRIES = ['--fetch-retry-mintimeout=2000', '--fetch-retry-maxtimeout=8000'];
/** What an install depends on; edits of scripts and descriptions do not call for a new one. */
const INSTALL_FIELDS = /^(name|version|workspaces|bin|overrides|allowScripts|(dev|optional|peer)?dependencies|peerDependenciesMeta)$/i;

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const nodeModules = join(root, 'node_modules');
const stamp = join(nodeModules, '.setup-stamp');

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function stop(text, exitCode) {
  say(text);
  process.exit(exitCode);
}

function fingerprint() {
  const manifests = ['package.json'];
  for (const group of ['apps', 'libs', 'tools']) {
    for (const name of readdirSync(join(root, group)).sort()) manifests.push(join(group, name, 'package.json'));
  }
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}\n`);
  for (const file of ['package-lock.json', '.npmrc']) hash.update(readFileSync(join(root, file)));
  for (const file of manifests) {
    const path = join(root, file);
    if (!existsSync(path)) continue;
    const fields = Object.entries(JSON.parse(readFileSync(path, 'utf8'))).filter(([key]) => INSTALL_FIELDS.test(key));
    hash.update(`${file}${JSON.stringify(fields)}\n`);
  }
  return hash.digest('hex');
}

/**
 * A Node that outlives the install. npm puts node_modules/.bin first on the PATH of its scripts, so that from the second time on this file
 * itself runs on the Node that `npm ci` is about to delete.
 */
function outsideNode() {
  if (!process.execPath.startsWith(nodeModules + sep)) return process.execPath;
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !/[\\/]node_modules[\\/]/.test(`${folder}${sep}`));
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  return found ?? stop('no Node was found on the PATH outside node_modules. Get it from https://nodejs.org.', 1);
}

/** The command line of npm: the one that started us where there is one, else the one on the PATH. */
function npm(args) {
  const script = process.env.npm_execpath;
  return script !== undefined && /\.[cm]?js$/.test(script) ? [outsideNode(), [script, ...args]] : ['npm', args];
}

function checkVersions() {
  const node = process.versions.node;
  if (Number.parseInt(node, 10) < OLDEST_NODE)
    stop(`Node ${OLDEST_NODE} or newer is needed, this is ${node}. Get it from https://nodejs.org.`, 1);
  const version = spawnSync(...npm(['--version']), { encoding: 'utf8', shell: process.platform === 'win32' }).stdout?.trim();
  if (!version) stop('npm was not found. It comes with Node: https://nodejs.org.', 1);
  if (Number.parseInt(version, 10) < OLDEST_NPM)
    stop(`npm ${OLDEST_NPM} or newer is needed, this is ${version}. Run: npm install --global npm@latest`, 1);
}

/** Runs npm with its output on stderr. Resolves when it succeeded, else says why not and ends this process with npm's exit code. */
function run(npmArguments) {
  return new Promise((resolve) => {
    const [command, args] = npm([...npmArguments, '--loglevel=error', ...SHORT_RETRIES]);
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 'pipe'], shell: process.platform === 'win32' });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      process.stderr.write(chunk);
      errors = (errors + chunk).slice(-20_000);
    });
    child.on('error', (error) => stop(`npm could not be started: ${error.message}`, 1));
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else if (signal) stop(`npm was stopped by ${signal}; run this again to finish the install.`, 130);
      else if (NETWORK_ERROR.test(errors))
        stop('the npm registry was out of reach: check the network and the proxy, then run this again.', code);
      else
        stop(`npm ${npmArguments[0]} failed with exit code ${code}; its messages are above. Run this again once the cause is gone.`, code);
    });
  });
}

const wanted = fingerprint();
if (!existsSync(stamp) || readFileSync(stamp, 'utf8').trim() !== wanted) {
  checkVersions();
  say('installing the npm packages (about half a minute, once) …');
  rmSync(stamp, { force: true });
  // npm 10 runs every package's install script, npm 12 only those that package.json allows: here, on each of them, only node's.
  await run(['ci', '--ignore-scripts']);
  await run(['rebuild', 'node', '--ignore-scripts=false']);
  writeFileSync(stamp, `${wanted}\n`);
  say('done.');
}
