/** Made by `page/vite.config.ts` from the table of operations. */
declare module 'virtual:routes' {
  export const routes: Readonly<
    Record<
      import('../../../src/broker/host/admin.ts').OperationName,
      {
        readonly method: 'GET' | 'POST' | 'DELETE'
        readonly path: string
        readonly role: import('../../../src/broker/host/api-key-views.ts').AdminRole
        readonly places: Readonly<Record<string, 'path' | 'query' | 'body'>>
      }
    >
  >
}
