import { customResourceDefinition, DEFINITIONS, GROUP, VERSION } from '@ringback/crds';
import { type Kind, type Kube, KubeError, type KubeObject } from '@ringback/operator';

const DEFINITION: Kind = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

/** Installs the custom resources, and waits until the API server serves them. */
export async function installDefinitions(kube: Kube): Promise<void> {
  for (const definition of DEFINITIONS) {
    await kube.apply(DEFINITION, customResourceDefinition(definition) as unknown as KubeObject);
  }
  const served = async (plural: string): Promise<boolean> => {
    try {
      await kube.send('GET', `/apis/${GROUP}/${VERSION}/namespaces/default/${plural}`);
      return true;
    } catch (error) {
      // 429: its storage is being made.
      if (error instanceof KubeError && [404, 429, 503].includes(error.status)) return false;
      throw error;
    }
  };
  const deadline = performance.now() + 20_000;
  for (const { plural } of DEFINITIONS) {
    while (!(await served(plural))) {
      if (performance.now() > deadline) throw new Error(`the API server does not serve ${plural}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
