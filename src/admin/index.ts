/**
 * `hangup/admin`: the routes of the admin listener, to be mounted in an app behind a login of its
 * own.
 */
export { type Administered, adminRoutes } from './routes.ts'
