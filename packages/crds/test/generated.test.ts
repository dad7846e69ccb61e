import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { load } from 'js-yaml';
import { customResourceDefinition, DEFINITIONS, generated, type OpenApi } from '../src/index.ts';

const ROOT = join(import.meta.dirname, '../../..');

/** Every schema in a schema, with its path. */
function* schemas(openApi: OpenApi, path: string): Generator<[string, OpenApi]> {
  yield [path, openApi];
  for (const [name, inner] of Object.entries(openApi.properties ?? {})) yield* schemas(inner, `${path}.${name}`);
  if (openApi.items) yield* schemas(openApi.items, `${path}[]`);
  if (openApi.additionalProperties) yield* schemas(openApi.additionalProperties, `${path}{}`);
}

describe('generated files', () => {
  for (const [path, content] of generated()) {
    it(`${path} is what the definitions say (make generate)`, async () => {
      assert.equal(await readFile(join(ROOT, path), 'utf8'), content);
    });
  }

  it('no definition stands beside them that nothing makes', async () => {
    const made = [...generated().keys()]
      .filter((path) => path.startsWith('charts/'))
      .map((path) => path.split('/').at(-1));
    assert.deepEqual((await readdir(join(ROOT, 'charts/crds/crds'))).sort(), made.sort());
  });

  it('are YAML that says the same as the objects they were made from', () => {
    for (const definition of DEFINITIONS) {
      const yaml = generated().get(`charts/crds/crds/${definition.plural}.yaml`);
      assert.deepEqual(load(yaml ?? ''), JSON.parse(JSON.stringify(customResourceDefinition(definition))));
      // They are templates of a chart: Helm must find nothing to do in them.
      assert.ok(!yaml?.includes('{{'), `${definition.kind} has {{ in it`);
    }
  });
});

describe('definitions', () => {
  for (const { kind, spec, status, columns, scale } of DEFINITIONS) {
    const all = [...schemas(spec.openApi, 'spec'), ...schemas(status.openApi, 'status')];
    const paths = new Set(all.map(([path]) => path));

    it(`${kind}: every field says what it means, and in how many characters, entries or keys`, () => {
      for (const [path, openApi] of all) {
        assert.match(openApi.description ?? '', /[.…]$/, `${kind}.${path} wants a sentence`);
        if (openApi.type === 'array') assert.ok(openApi['maxItems'], `${kind}.${path} wants maxItems`);
        if (openApi.type === 'string' && !openApi['enum'] && openApi['format'] !== 'date-time') {
          assert.ok(openApi['maxLength'], `${kind}.${path} wants maxLength`);
        }
      }
    });

    it(`${kind}: columns and scale name fields that exist`, () => {
      for (const path of [...columns.map((c) => c.jsonPath), ...Object.values(scale ?? {})]) {
        if (path.startsWith('.metadata.')) continue;
        const plain = path.slice(1).replace(/\[\?.*?\]|\[\*\]/g, '[]');
        assert.ok(paths.has(plain), `${kind}: ${path}`);
      }
    });
  }
});
