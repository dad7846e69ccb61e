import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Kube } from '@ringback/operator';
import { binary } from '../src/binaries.ts';
import { type ControlPlane, startControlPlane } from '../src/control-plane.ts';
import { installDefinitions } from '../src/definitions.ts';
import { helm } from '../src/helm.ts';
import { CHART, goldenFile, type Manifest, manifests, render, valueSets } from '../src/renders.ts';

const CHARTS = join(import.meta.dirname, '../../../charts');
const sets = await valueSets();

interface Container {
  readonly name: string;
  readonly image: string;
  readonly livenessProbe?: object;
  readonly readinessProbe?: object;
  readonly resources?: { readonly limits?: { readonly memory?: string }; readonly requests?: Record<string, string> };
  readonly securityContext?: Record<string, unknown>;
}

interface PodSpec {
  readonly containers: readonly Container[];
  readonly automountServiceAccountToken?: boolean;
  readonly enableServiceLinks?: boolean;
  readonly hostNetwork?: boolean;
  readonly securityContext?: Record<string, unknown>;
}

interface Template {
  readonly metadata: { readonly labels: Record<string, string> };
  readonly spec: PodSpec;
}

const workloads = (all: readonly Manifest[]): { name: string; template: Template }[] =>
  all
    .filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
    .map((m) => ({ name: m.metadata.name, template: (m['spec'] as { template: Template }).template }));

const selects = (selector: Record<string, string>, labels: Record<string, string>): boolean =>
  Object.entries(selector).every(([name, value]) => labels[name] === value);

describe('charts', () => {
  it('are clean under helm lint --strict', async () => {
    for (const chart of await readdir(CHARTS)) await helm(['lint', '--strict', join(CHARTS, chart)]);
    await helm(['lint', '--strict', CHART, '--set', 'postgres.enabled=true']);
  });

  for (const set of sets) {
    it(`${set}: the golden render (make goldens)`, async () => {
      assert.equal(await readFile(goldenFile(set), 'utf8'), await render(set));
    });
  }

  it('refuse values that make no sense, with the reason', async () => {
    const refused: [string[], RegExp][] = [
      [[], /there is no database: set secrets\.databaseUrl/],
      [['postgres.enabled=true', 'global.image.tag=latest'], /tag/],
      [['postgres.enabled=true', 'global.image.tag='], /global\.image\.tag must be set/],
      [['postgres.enabled=true', 'nats.replicas=2'], /replicas/],
      [['postgres.enabled=true', 'auth.replicas=-1'], /replicas/],
      [['postgres.enabled=true', 'auth.replica=3'], /replica/],
      [['postgres.enabled=true', 'global.natsUrl=nats.example.net'], /natsUrl/],
      [['secrets.create=false'], /global\.secretName must name a Secret/],
    ];
    for (const [values, words] of refused) {
      const args = ['template', 'ringback', CHART, ...values.flatMap((value) => ['--set', value])];
      await assert.rejects(helm(args), words, values.join(' '));
    }
  });

  it('no secret stands in the values, and two installations have different ones', async () => {
    const template = () =>
      helm(['template', 'ringback', CHART, '--set', 'postgres.enabled=true', '--show-only', 'templates/secrets.yaml']);
    const [one, two] = (await Promise.all([template(), template()])).map(
      (text) => manifests(text)[0]?.['data'] as Record<string, string>,
    );
    for (const key of ['EVENT_KEY', 'SEALING_KEY_SECRET', 'VOUCHER_KEY', 'POSTGRES_PASSWORD', 'DATABASE_URL']) {
      assert.notEqual(one?.[key], two?.[key], key);
      assert.ok(Buffer.from(one?.[key] ?? '', 'base64').length >= 32, key);
    }
  });
});

describe('what the charts render', () => {
  for (const set of sets) {
    it(`${set}: every Pod is restricted, bounded, probed, and has no token it does not use`, async () => {
      for (const { name, template } of workloads(manifests(await readFile(goldenFile(set), 'utf8')))) {
        const { spec } = template;
        assert.equal(spec.securityContext?.['runAsNonRoot'], true, name);
        assert.deepEqual(spec.securityContext?.['seccompProfile'], { type: 'RuntimeDefault' }, name);
        // Only the operator speaks with the API server.
        assert.equal(spec.automountServiceAccountToken, name.endsWith('-operator'), name);
        assert.equal(spec.enableServiceLinks, false, name);
        assert.notEqual(spec.hostNetwork, true, name);
        for (const container of spec.containers) {
          const where = `${name}/${container.name}`;
          assert.ok(container.livenessProbe && container.readinessProbe, `${where}: probes`);
          assert.ok(container.resources?.limits?.memory, `${where}: a limit of memory`);
          assert.ok(
            container.resources.requests?.['cpu'] && container.resources.requests['memory'],
            `${where}: requests`,
          );
          assert.match(container.image, /(:[^:/]+|@sha256:[0-9a-f]{64})$/, `${where}: image`);
          assert.doesNotMatch(container.image, /:latest$/, where);
          assert.equal(container.securityContext?.['readOnlyRootFilesystem'], true, where);
          assert.equal(container.securityContext['allowPrivilegeEscalation'], false, where);
          assert.deepEqual(container.securityContext['capabilities'], { drop: ['ALL'] }, where);
        }
      }
    });

    it(`${set}: selectors find Pods, and every Pod has a budget and a policy`, async () => {
      const all = manifests(await readFile(goldenFile(set), 'utf8'));
      const templates = workloads(all).map(({ name, template }) => ({ name, labels: template.metadata.labels }));
      const of = (kind: string, at: (spec: Record<string, Record<string, unknown>>) => unknown) =>
        all
          .filter((m) => m.kind === kind)
          .map((m) => ({ name: m.metadata.name, selector: at(m['spec'] as never) as Record<string, string> }));
      const services = of('Service', (spec) => spec['selector']);
      const budgets = of('PodDisruptionBudget', (spec) => spec['selector']?.['matchLabels']);
      const policies = of('NetworkPolicy', (spec) => spec['podSelector']?.['matchLabels']);
      for (const { name, selector } of [...services, ...budgets, ...policies]) {
        assert.ok(
          templates.some((t) => selects(selector, t.labels)),
          `${name} selects nothing`,
        );
      }
      for (const { name, labels } of templates) {
        // A single PostgreSQL for trying out: a budget would only block its node.
        if (!name.endsWith('-postgres'))
          assert.ok(
            budgets.some((b) => selects(b.selector, labels)),
            `${name}: budget`,
          );
        assert.ok(
          policies.some((p) => selects(p.selector, labels)),
          `${name}: policy`,
        );
      }
    });
  }
});

describe('the API server', () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await startControlPlane();
    const kube = new Kube(plane.config);
    await installDefinitions(kube);
    await kube.send('POST', '/api/v1/namespaces', { body: { metadata: { name: 'ringback' } } });
    kube.close();
  });
  after(() => plane?.stop());

  for (const set of sets) {
    it(`${set}: takes all of it, strictly`, async () => {
      const all = manifests(await readFile(goldenFile(set), 'utf8'));
      // Of the Prometheus operator; nobody here serves it.
      const known = all.filter(({ kind }) => kind !== 'ServiceMonitor');
      const encoded = known.map((m) =>
        m.kind === 'Secret'
          ? { ...m, data: Object.fromEntries(Object.keys(m['data'] as object).map((k) => [k, 'eA=='])) }
          : m,
      );
      const program = await binary('kubernetes');
      const args = [
        'kubectl',
        '--kubeconfig',
        plane.kubeconfig,
        '-n',
        'ringback',
        'apply',
        '--dry-run=server',
        '--validate=strict',
        '-f',
        '-',
      ];
      const error = await new Promise<string>((resolve) => {
        const child = execFile(program, args, { maxBuffer: 1 << 24 }, (_failed, _out, stderr) => resolve(stderr));
        child.stdin?.end(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: encoded }));
      });
      assert.equal(error, '');
    });
  }
});
