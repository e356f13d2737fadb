import type { DatabaseSync } from 'node:sqlite';
import { inTransaction, onDatabase } from './database.ts';
import type { EncodedAppend, LogTables, Partition, Topic } from './log-tables.ts';
import { hasEnded } from './member-id.ts';
import { planShare } from './share.ts';

/** Times in milliseconds since 1970. */
const schema = `
  create table if not exists log_group (
    partition_id integer not null references log_partition,
    name text not null,
    next_offset integer not null default 0,
    owner text,
    leased_until integer not null default 0,
    primary key (partition_id, name)
  ) strict, without rowid;
  create table if not exists log_member (
    topic_id integer not null references log_topic,
    group_name text not null,
    id text not null,
    alive_until integer not null,
    primary key (topic_id, group_name, id)
  ) strict, without rowid;
`;

/** One consumer: a member of a group on a topic. */
export interface Member {
  readonly id: string;
  readonly group: string;
  readonly topic: Topic;
}

export interface GroupTables {
  /** Makes the group known to its topic's retention; a new one begins at the earliest record that is kept. */
  register(group: string, topic: Topic): void;
  committedOffset(group: string, partition: Partition): number;
  /**
   * Shows that the member lives, prolongs its leases and takes its fair share of the partitions that nobody holds. `busy`: partitions
   * it still works on without a claim. Returns what it holds now; `surplus` is to be let go of for other members.
   */
  takeShare(
    member: Member,
    lease: { now: number; until: number; busy: ReadonlySet<number> },
  ): { held: readonly Partition[]; surplus: readonly Partition[] };
  release(member: Member, partition: Partition): void;
  /** Lets go of everything and leaves the group. */
  leave(member: Member): void;
  /**
   * Appends outputs and moves the group's offset on, in one transaction, if the offset is still `from`. Returns false and changes
   * nothing where another member was faster: the lease shares work out, this comparison is what makes outputs exactly once.
   */
  commit(group: string, topic: Topic, partition: Partition, offsets: { from: number; to: number }, outputs: EncodedAppend): boolean;
}

/** Creates the tables of consumer groups where they are not there. */
export function createGroupTables(database: DatabaseSync): void {
  inTransaction(database, () => database.exec(schema));
}

export function groupTables(database: DatabaseSync, log: LogTables): GroupTables {
  const insertGroup = database.prepare(
    `insert or ignore into log_group (partition_id, name, next_offset)
     select id, ?2, coalesce((select min(base_offset) from log_batch where partition_id = ?1), end_offset) from log_partition where id = ?1`,
  );
  const selectOffset = database.prepare('select next_offset as next from log_group where partition_id = ? and name = ?');
  const moveOffset = database.prepare('update log_group set next_offset = ?4 where partition_id = ?1 and name = ?2 and next_offset = ?3');
  // The first comparison finds rows by the index; the second spares a row that is read in part.
  const deleteRead = database.prepare(
    `delete from log_batch where partition_id = ?1
       and base_offset < (select min(next_offset) from log_group where partition_id = ?1)
       and base_offset + count <= (select min(next_offset) from log_group where partition_id = ?1)`,
  );
  const upsertMember = database.prepare(
    `insert into log_member (topic_id, group_name, id, alive_until) values (?, ?, ?, ?)
     on conflict do update set alive_until = excluded.alive_until`,
  );
  const deleteMember = database.prepare('delete from log_member where topic_id = ? and group_name = ? and id = ?');
  const selectMembers = database.prepare('select id, alive_until as until from log_member where topic_id = ? and group_name = ?');
  const selectOwner = database.prepare('select owner, leased_until as until from log_group where partition_id = ? and name = ?');
  const updateOwner = database.prepare('update log_group set owner = ?3, leased_until = ?4 where partition_id = ?1 and name = ?2');
  const clearOwner = database.prepare(
    'update log_group set owner = null, leased_until = 0 where partition_id = ? and name = ? and owner = ?',
  );

  return {
    register(group, topic) {
      inTransaction(database, () => {
        for (const partition of topic.partitions) insertGroup.run(partition.id, group);
      });
    },
    committedOffset(group, partition) {
      return onDatabase(database, () => selectOffset.get(partition.id, group) as { next: number } | undefined)?.next ?? 0;
    },
    takeShare({ id, group, topic }, { now, until, busy }) {
      return inTransaction(database, () => {
        upsertMember.run(topic.id, group, id, until);
        const members = new Set<string>();
        for (const member of selectMembers.all(topic.id, group) as { id: string; until: number }[]) {
          if (member.until < now || hasEnded(member.id)) deleteMember.run(topic.id, group, member.id);
          else members.add(member.id);
        }
        const holders = topic.partitions.map((partition) => {
          const row = selectOwner.get(partition.id, group) as { owner: string | null; until: number };
          const free = row.owner === null || (row.owner !== id && (row.until < now || !members.has(row.owner)));
          return { partition, owner: free ? null : row.owner };
        });
        const { kept, claimed, surplus } = planShare(holders, [...members], id, busy);
        const held = [...kept, ...claimed, ...surplus];
        for (const partition of held) updateOwner.run(partition.id, group, id, until);
        return { held, surplus };
      });
    },
    release({ id, group }, partition) {
      onDatabase(database, () => clearOwner.run(partition.id, group, id));
    },
    leave({ id, group, topic }) {
      inTransaction(database, () => {
        for (const partition of topic.partitions) clearOwner.run(partition.id, group, id);
        deleteMember.run(topic.id, group, id);
      });
    },
    commit(group, topic, partition, { from, to }, outputs) {
      return inTransaction(database, () => {
        if (moveOffset.run(partition.id, group, from, to).changes === 0) return false;
        log.append(outputs);
        if (topic.retention === 'when-read') deleteRead.run(partition.id);
        return true;
      });
    },
  };
}
