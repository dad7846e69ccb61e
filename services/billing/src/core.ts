/** Billing without its process: what is decided about money, on books that are handed in. */
export { checkReserve, checkSettle } from './api/validate.ts';
export { Books } from './domain/books.ts';
export { decide, type Decision, type Question } from './domain/decide.ts';
export { PLATFORM } from './domain/ledger.ts';
export {
  type Account,
  type Cdr,
  type Environment,
  type Hold,
  Refused,
  type Tariffs,
  type Transfer,
} from './domain/model.ts';
