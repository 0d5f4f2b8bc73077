/** The keys that ODCS v3.1.0 knows at a place: a misspelt one is a silent loss in every other reader. */
export const CONTRACT_KEYS = keys(
  'version kind apiVersion id name tenant tags status servers dataProduct description domain schema',
  'support price team roles slaDefaultElement slaProperties authoritativeDefinitions',
  'customProperties contractCreatedTs',
)

export const DESCRIPTION_KEYS = keys(
  'usage purpose limitations authoritativeDefinitions customProperties',
)

const ELEMENT_KEYS = keys(
  'id name physicalType description businessName authoritativeDefinitions tags customProperties',
)

export const SCHEMA_KEYS = [
  ...ELEMENT_KEYS,
  ...keys('logicalType physicalName dataGranularityDescription properties relationships quality'),
]

export const PROPERTY_KEYS = [
  ...ELEMENT_KEYS,
  ...keys(
    'primaryKey primaryKeyPosition logicalType logicalTypeOptions physicalName required unique',
    'partitioned partitionKeyPosition classification encryptedName transformSourceObjects',
    'transformLogic transformDescription examples criticalDataElement relationships quality',
    'properties items',
  ),
]

function keys(...lines: readonly string[]): string[] {
  return lines.join(' ').split(' ')
}
