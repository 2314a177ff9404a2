/** The credentials that local clients sign with and the embedded services accept. */
export const LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local-secret' } as const;

export const LOCAL_REGION = 'us-east-1';
