import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';

/** Health and reflection as a tool without our contracts asks: the few bytes are written by hand (protobuf's wire format). */
const LENGTH_DELIMITED = 2;
const field = (number: number, text: string): Buffer =>
  Buffer.concat([Buffer.of((number << 3) | LENGTH_DELIMITED, Buffer.byteLength(text)), Buffer.from(text)]);
const same = (bytes: Buffer): Buffer => bytes;
const DEADLINE_MS = 10_000;

const HEALTH = ['UNKNOWN', 'SERVING', 'NOT_SERVING'];

/** grpc.health.v1: what a probe is told. @throws Error with the status' name. */
export function healthOf(address: string, service: string): Promise<string> {
  const client = new Client(address, credentials.createInsecure());
  return new Promise<string>((resolve, reject) => {
    const deadline = Date.now() + DEADLINE_MS;
    const done = (error: ServiceError | null, answer?: Buffer): void => {
      if (error) reject(new Error(status[error.code]));
      else resolve(HEALTH[answer?.[1] ?? 0] ?? 'UNKNOWN');
    };
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, field(1, service), { deadline }, done);
  }).finally(() => client.close());
}

/** grpc.reflection.v1: names of all services. */
export function servicesOf(address: string): Promise<string[]> {
  const client = new Client(address, credentials.createInsecure());
  return new Promise<string[]>((resolve, reject) => {
    const path = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
    const stream = client.makeBidiStreamRequest(path, same, same, { deadline: Date.now() + DEADLINE_MS });
    stream.on('error', reject);
    stream.on('data', (answer: Buffer) => resolve(answer.toString('latin1').match(/[a-z][\w.]*\.[A-Z]\w*/g) ?? []));
    // list_services
    stream.write(field(7, '*'));
    stream.end();
  }).finally(() => client.close());
}
