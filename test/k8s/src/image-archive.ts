import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface ImageSource {
  /** Name with tag. */
  readonly name: string;
  /** Path inside the image → file of this machine. */
  readonly files: ReadonlyMap<string, string>;
  /** Path inside the image → what it points to. */
  readonly links?: ReadonlyMap<string, string>;
  readonly directories?: readonly string[];
  readonly config: {
    readonly Entrypoint?: readonly string[];
    readonly Cmd?: readonly string[];
    readonly Env?: readonly string[];
    readonly User?: string;
  };
}

/** Writes an image of one layer, made from files of this machine, as an archive that containerd and buildah can read. */
export async function writeImage(source: ImageSource, archive: string): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'ringback-image-'));
  try {
    const root = join(dir, 'root');
    await mkdir(root);
    for (const path of source.directories ?? []) await mkdir(join(root, path), { recursive: true });
    for (const [path, from] of source.files) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await copyFile(from, join(root, path));
    }
    for (const [path, to] of source.links ?? []) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await run('ln', ['-sfn', to, join(root, path)]);
    }
    await mkdir(join(root, 'tmp'), { recursive: true });
    await run('chmod', ['1777', join(root, 'tmp')]);
    await mkdir(join(dir, 'out/layer'), { recursive: true });
    const layer = join(dir, 'out/layer/layer.tar');
    await run('tar', [
      '--sort=name',
      '--owner=0',
      '--group=0',
      '--numeric-owner',
      '--mtime=@0',
      '-C',
      root,
      '-cf',
      layer,
      '.',
    ]);
    const digest = createHash('sha256')
      .update(await readFile(layer))
      .digest('hex');
    const config = JSON.stringify({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      os: 'linux',
      config: source.config,
      rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
      history: [{ created: '1970-01-01T00:00:00Z', created_by: 'files of this machine' }],
    });
    const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
    await writeFile(join(dir, 'out', configName), config);
    await writeFile(
      join(dir, 'out/manifest.json'),
      JSON.stringify([{ Config: configName, RepoTags: [source.name], Layers: ['layer/layer.tar'] }]),
    );
    await mkdir(dirname(archive), { recursive: true });
    await run('tar', ['-C', join(dir, 'out'), '-cf', `${archive}.new`, 'manifest.json', configName, 'layer']);
    await run('mv', [`${archive}.new`, archive]);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Shared libraries of programs, with the loader: path → path of the file itself. */
export async function librariesOf(programs: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const program of programs) {
    const { stdout } = await run('ldd', [program]).catch((error: { stdout?: string; stderr?: string }) => {
      // A static one has none, and ldd says so with an error.
      if (/not a dynamic executable|statically linked/.test(`${error.stdout}${error.stderr}`)) return { stdout: '' };
      throw error;
    });
    for (const [, library] of stdout.matchAll(/(?:=> )?(\/[^ ]+) \(0x/g)) found.set(library!, library!);
  }
  return found;
}
