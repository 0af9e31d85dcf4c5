/** The public names of worktable, one by one. */
export { Column } from '../decorators/column.js';
export type { EntityDecorator, FieldDecorator, StandardContext, StaticFieldDecorator } from '../decorators/decorated.js';
export { ExpiresAt } from '../decorators/expires-at.js';
export { Index } from '../decorators/index-decorator.js';
export { type CallDecorator, Measured, type MeasuredOptions } from '../decorators/measured.js';
export { PrimaryKey } from '../decorators/primary-key.js';
export { Query } from '../decorators/query.js';
export { Table } from '../decorators/table.js';
export type { ChangeEvent, ChangeEventKind, CommitEvent, KeyCount, SnapshotMark } from './cdc/change-event.js';
export { type ChangeKind, type IndexEvent, type LinkInfo, type Lsn, Operation } from './cdc/operation.js';
export type { DatabaseEvents } from './cdc/publisher.js';
export { Database, type DatabaseOptions, type DatabaseStats, type OpenOptions } from './database.js';
export {
  AvroEncoder,
  type AvroEncoderOptions,
  type AvroPart,
  type EventSource,
} from './encode/avro-encoder.js';
export type { AvroFileOptions } from './encode/avro-file.js';
export {
  ConfluentEncoder,
  type ConfluentEncoderOptions,
  type ConfluentMessage,
  type SchemaIds,
} from './encode/confluent-encoder.js';
export type { ConnectForms, ConnectSchema } from './encode/connect-json.js';
export { DebeziumEncoder, type DebeziumEncoderOptions, type DebeziumMessage } from './encode/debezium-encoder.js';
export type { MessageOptions } from './encode/messages.js';
export { type PlainCommit, type PlainEvent, PlainEvents, type PlainEventsOptions } from './encode/plain-events.js';
export type { PlainForms } from './encode/plain-value.js';
export {
  ChangeMismatchError,
  ClosedError,
  CorruptionError,
  DatabaseLockedError,
  DiskFullError,
  DuplicateKeyError,
  EventFormatError,
  FormatVersionError,
  InjectionError,
  InvariantError,
  LockTimeoutError,
  NotFoundError,
  OffsetAheadError,
  OffsetTruncatedError,
  PersistenceFailedError,
  PositionGapError,
  PositionLimitError,
  QueryError,
  QueueFullError,
  ReadOnlyError,
  RowLockedError,
  RowTooLargeError,
  SchemaError,
  SchemaMismatchError,
  StaleRowError,
  TableFullError,
  TransactionAbortedError,
  TransactionConflictError,
  TransactionError,
  TransactionTimeoutError,
  UniqueViolationError,
  ValidationError,
  WorkTableError,
} from './errors.js';
export { Consumer, type ConsumerFeedOptions, type ConsumerOptions, type ConsumerStats } from './feed/consumer.js';
export { Feed, type FeedObservable, type FeedObserver, type FeedSubscription } from './feed/feed.js';
export type { FeedOptions } from './feed/open-feed.js';
export type { ApplyOptions } from './follow/apply.js';
export type { IndexStats } from './index/table-index.js';
export { AsyncTransaction, type AsyncTransactionOptions } from './isolation/async-transaction.js';
export { Snapshot } from './isolation/snapshot.js';
export type { SnapshotStats } from './isolation/snapshots.js';
export type { Live } from './live/live.js';
export { LiveGroups, type LiveGroupsChange } from './live/live-groups.js';
export { type LiveChange, LiveQuery } from './live/live-query.js';
export { LiveValue, type LiveValueChange } from './live/live-value.js';
export { LockGuard } from './lock/lock-guard.js';
export type { LockOptions } from './lock/lock-map.js';
export { type Measurement, Measurements, measurements } from './measure/measurements.js';
export type { Durability } from './persistence/file-engine-options.js';
export type {
  CheckpointResult,
  Damage,
  DatabaseImage,
  EngineStats,
  LogCursor,
  LogRetention,
  LogSlice,
  PersistenceEngine,
  RecoveryReport,
  RecoveryTarget,
  TableImage,
} from './persistence/persistence-engine.js';
export { LoadMode, type RetentionOptions, type StoreOptions, type StoreStats } from './persistence/store.js';
export type { StoredIndex, StoredSchema, StoredTable } from './persistence/stored-table.js';
export type { GroupPart, TransactionGroup } from './persistence/transaction-group.js';
export type { RecordVisitor } from './persistence/transaction-record.js';
export { type AvroRecord, type AvroSchema, type AvroType, avscType } from './schema/avro-schema.js';
export type { EntityClass } from './schema/column-type.js';
export type {
  ColumnOptions,
  ElementOptions,
  IndexOptions,
  PrimaryKeyOptions,
  QueryOptions,
  ScalarName,
  TableOptions,
} from './schema/description.js';
export type { ColumnSchema, IndexSchema, KeySchema, QuerySchema, TableSchema } from './schema/table-schema.js';
export { type StatsRow, statsRows } from './stats-rows.js';
export type { Inconsistency } from './table/check-table.js';
export type { Operator } from './table/condition.js';
export { GroupedQuery } from './table/grouped-query.js';
export type { LiveAggregates, LiveCalls, LiveGroupCalls } from './table/live-calls.js';
export { type Explanation, SelectQuery } from './table/select-query.js';
export type { UpdateBytes } from './table/table-loader.js';
export { type TableListeners, TableManager } from './table/table-manager.js';
export { TableReader } from './table/table-reader.js';
export type { TableStats } from './table/table-stats.js';
export { TableWriter } from './table/table-writer.js';
export {
  type Cell,
  type ColumnOf,
  type DeclaredQueries,
  type DeleteQuery,
  type Given,
  type InPlaceQuery,
  type InsertRow,
  type NumberColumnOf,
  OptionalProps,
  type Patch,
  type PrimaryKeyOf,
  PrimaryKeyProp,
  type RowOf,
  type ScalarColumnOf,
  type UpdateQuery,
  type WholeRow,
} from './table/types.js';
export type { VacuumOptions, VacuumResult } from './table/vacuum.js';
export type { VacuumManagerOptions } from './table/vacuum-manager.js';
