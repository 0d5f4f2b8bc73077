import type { Permission } from './function-role.ts'

/** Step Functions delivers its log and its traces by actions that know no single resource. */
export const LOG_DELIVERY: readonly Permission[] = [
  {
    actions: [
      'logs:CreateLogDelivery',
      'logs:GetLogDelivery',
      'logs:UpdateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:DescribeResourcePolicies',
      'logs:DescribeLogGroups',
      'xray:PutTraceSegments',
      'xray:PutTelemetryRecords',
      'xray:GetSamplingRules',
      'xray:GetSamplingTargets',
    ],
    within: [
      {
        resource: '*',
        because: 'deliveries of logs and traces are not resources that a policy can name',
      },
    ],
  },
]
