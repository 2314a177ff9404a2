/** The URL of a service for which we have no SDK client, found like the SDK does. */
export function serviceUrl(service: 'sqs' | 'cloudformation', region: string): string {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  return (
    process.env[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] ||
    process.env.AWS_ENDPOINT_URL ||
    `https://${service}.${region}.${suffix}`
  );
}
