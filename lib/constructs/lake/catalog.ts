import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import { CfnWorkGroup } from 'aws-cdk-lib/aws-athena'
import { CfnDatabase } from 'aws-cdk-lib/aws-glue'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import type { Permission } from '#lib/constructs/kernel/function-role.ts'
import type { QueryPurpose } from '#lib/topology/topology.ts'
import { encryptedBucket } from './encrypted-bucket.ts'

export interface CatalogProps {
  readonly database: string
  readonly purposes: readonly QueryPurpose[]
  readonly cellKey: IKey
  readonly removalPolicy: RemovalPolicy
}

/** Where a cell's tables are found, and how people query them. */
export class Catalog extends Construct {
  readonly database: string
  /** The same as text that is known when the stacks are made. */
  readonly databaseName: string
  /** The name of the work group of each purpose. */
  readonly workGroups: ReadonlyMap<string, string>

  constructor(scope: Construct, id: string, props: CatalogProps) {
    super(scope, id)
    // It holds the pointers to the tables' metadata: whoever deletes it loses every table at once.
    const database = new CfnDatabase(this, 'Database', {
      catalogId: Stack.of(this).account,
      databaseInput: {
        name: props.database,
        description: 'Tables of the data products of this cell',
      },
    })
    database.applyRemovalPolicy(props.removalPolicy)
    this.database = database.ref
    this.databaseName = props.database
    const results = encryptedBucket(this, 'Results', {
      cellKey: props.cellKey,
      removalPolicy: props.removalPolicy,
      versioned: false,
      lifecycleRules: [{ id: 'results', expiration: Duration.days(30) }],
    })
    const groups = props.purposes.map((purpose) => [
      purpose.name,
      this.workGroup(purpose, props, results),
    ])
    this.workGroups = new Map(groups as [string, string][])
  }

  /** Its settings hold whatever a client asks for. */
  private workGroup(
    { name, description, scanLimitBytes }: QueryPurpose,
    { database, cellKey }: CatalogProps,
    results: IBucket,
  ): string {
    const workGroup = new CfnWorkGroup(this, `${name.charAt(0).toUpperCase()}${name.slice(1)}`, {
      name: `${database}-${name}`,
      description,
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        // Otherwise a client's own settings would win, also over encryption and limit.
        enforceWorkGroupConfiguration: true,
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: scanLimitBytes,
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        resultConfiguration: {
          outputLocation: results.s3UrlForObject(`${name}/`),
          encryptionConfiguration: { encryptionOption: 'SSE_KMS', kmsKey: cellKey.keyArn },
        },
      },
    })
    workGroup.applyRemovalPolicy(RemovalPolicy.DESTROY)
    return workGroup.name
  }

  /** Permission to move the pointers of these tables, or to create them. */
  allowCommit(...tables: readonly string[]): Permission {
    return this.commit(tables, [])
  }

  /** Permission to move the pointers of tables that are there. */
  allowChange(...tables: readonly string[]): Permission {
    return { ...this.commit(tables, []), actions: ['glue:GetTable', 'glue:UpdateTable'] }
  }

  /** Permission to read the pointers of these tables. */
  allowLook(...tables: readonly string[]): Permission {
    return { ...this.commit(tables, []), actions: ['glue:GetTable'] }
  }

  /** As `allowCommit`, and for what replays make of the views with these names: `<name>__<generation>`. */
  allowCommitOfGenerations(tables: readonly string[], names: readonly string[]): Permission {
    return this.commit(
      tables,
      // Another version of a view may be replayed before it is deployed.
      names.flatMap((name) => [`${name}__*`, `${name}_v*__*`]),
    )
  }

  private commit(tables: readonly string[], patterns: readonly string[]): Permission {
    const stack = Stack.of(this)
    const glue = (resource: string, resourceName?: string) =>
      stack.formatArn({ service: 'glue', resource, ...(resourceName ? { resourceName } : {}) })
    return {
      actions: ['glue:CreateTable', 'glue:GetTable', 'glue:UpdateTable'],
      // Glue asks for the catalog and the database besides the table.
      on: [
        glue('catalog'),
        glue('database', this.database),
        ...tables.map((table) => glue('table', `${this.database}/${table}`)),
      ],
      within: patterns.map((pattern) => ({
        resource: glue('table', `${this.database}/${pattern}`),
        because: 'a generation gets its name when somebody replays, so only how it begins is known',
      })),
    }
  }
}
