/** Database addresses, as hosting platforms provide them and as psql accepts them. */
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AddressError } from '../../src/database/address.ts';
import { readConnectionSettings } from '../../src/database/address-parameters.ts';
import { newFolder } from '../support/new-folder.ts';

const PASSWORD = 's3cret';

function messageOf(address: string): string {
  try {
    readConnectionSettings(address);
  } catch (error) {
    if (error instanceof AddressError) return error.message;
    throw error;
  }
  return '';
}

describe('an address from a hosting platform', () => {
  test.for([
    ['Supabase, direct', 'postgresql://postgres:s3cret@db.ref.supabase.co:5432/postgres', 'offered', 0],
    [
      'Supabase, session pooler',
      'postgresql://postgres.ref:s3cret@aws-0-eu.pooler.supabase.com:5432/postgres?supa=base-pooler.x',
      'offered',
      0,
    ],
    [
      'Supabase, transaction pooler for Prisma',
      'postgresql://postgres.ref:s3cret@aws-0-eu.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=1',
      'offered',
      1,
    ],
    [
      'Neon',
      'postgresql://u:s3cret@ep-x-pooler.eu.aws.neon.tech/neondb?sslmode=require&channel_binding=require',
      'require',
      2,
    ],
    ['RDS', 'postgres://u:s3cret@x.rds.amazonaws.com:5432/d?sslmode=require', 'require', 1],
    ['Azure', 'postgres://u%40srv:s3cret@srv.postgres.database.azure.com/d?sslmode=require', 'require', 1],
    ['Heroku', 'postgres://u:s3cret@ec2-1.compute-1.amazonaws.com:5432/d', 'offered', 0],
    ['Railway', 'postgresql://postgres:s3cret@x.proxy.rlwy.net:12345/railway', 'offered', 0],
    ['Render', 'postgresql://u:s3cret@dpg-x-a.frankfurt-postgres.render.com/d', 'offered', 0],
    [
      'DigitalOcean',
      'postgresql://doadmin:s3cret@x.db.ondigitalocean.com:25060/defaultdb?sslmode=require',
      'require',
      1,
    ],
    ['node-postgres', 'postgres://u:s3cret@h/d?sslmode=no-verify&uselibpqcompat=true', 'require', 1],
    ['Prisma', 'postgres://u:s3cret@h/d?schema=clinic&pool_timeout=20&sslaccept=strict', 'verify-full', 2],
  ] as const)(
    '%s is read, with one warning for each parameter that is not obeyed',
    ([, address, mode, warnings]) => {
      const settings = readConnectionSettings(address);
      expect(settings.password).toBe(PASSWORD);
      expect(settings.tls.mode).toBe(mode);
      expect(settings.warnings).toHaveLength(warnings);
      expect(settings.warnings.join()).not.toContain(PASSWORD);
      expect(settings.startup).toEqual({});
    },
  );

  test('behind a pooler prepares no statements', () => {
    for (const parameter of [
      'pgbouncer=true',
      'prepareThreshold=0',
      'statement_cache_size=0',
      'prepared_statements=false',
    ]) {
      expect(readConnectionSettings(`postgres://h/d?${parameter}`).prepare, parameter).toBe(false);
    }
    expect(readConnectionSettings('postgres://h/d?pgbouncer=false').prepare).toBe(true);
  });

  test('names an unknown parameter', () => {
    expect(readConnectionSettings('postgres://h/d?sslmod=require').warnings).toEqual([
      'the parameter sslmod is not known, and is ignored: correct or remove it',
    ]);
  });
});

describe('a Unix socket', () => {
  const instance = { host: '/cloudsql/project:region:instance', port: 5432 };
  test.for([
    ['postgresql:///clinic?host=/cloudsql/project:region:instance&user=u'],
    ['postgresql://u:p@/clinic?host=/cloudsql/project:region:instance'],
    ['postgresql://u@localhost/clinic?host=%2Fcloudsql%2Fproject%3Aregion%3Ainstance'],
    ['postgresql://u:p@%2Fcloudsql%2Fproject%3Aregion%3Ainstance/clinic'],
    ['postgresql://u:p@%2Fcloudsql%2Fproject:region:instance/clinic'],
    ['postgresql://u:p@/cloudsql/project:region:instance/clinic'],
    ['postgresql://u@/clinic?host=/cloudsql/project:region:instance/.s.PGSQL.5432'],
    ["host=/cloudsql/project:region:instance dbname=clinic user=u password='it\\'s'"],
  ] as const)('%s', ([address]) => {
    expect(readConnectionSettings(address)).toMatchObject({
      hosts: [instance],
      database: 'clinic',
      user: 'u',
    });
  });

  test('has a port, which is a part of its name', () => {
    const settings = readConnectionSettings('postgresql://u@%2Frun%2Fpostgresql:5433/clinic');
    expect(settings.hosts).toEqual([{ host: '/run/postgresql', port: 5433 }]);
  });
});

describe('parameters of libpq', () => {
  test('are applied', () => {
    const settings = readConnectionSettings(
      'postgres://h/d?connect_timeout=1&keepalives_idle=7&application_name=clinic&options=-c%20work_mem%3D8MB&target_session_attrs=primary&user=u&password=p&require_auth=scram-sha-256',
    );
    expect(settings).toMatchObject({
      connectTimeoutS: 2,
      keepAliveS: 7,
      startup: { application_name: 'clinic', options: '-c work_mem=8MB' },
      targetSession: 'primary',
      user: 'u',
      password: 'p',
      requireScram: true,
      warnings: [],
    });
    expect(readConnectionSettings('postgres://h/d?keepalives=0').keepAliveS).toBe(false);
  });

  test.for([
    ['', 'offered'],
    ['sslmode=disable', 'disable'],
    ['sslmode=allow', 'prefer'],
    ['sslmode=prefer', 'prefer'],
    ['sslmode=verify-ca', 'verify-ca'],
    ['sslmode=verify-full', 'verify-full'],
    ['ssl=true', 'verify-full'],
    ['sslrootcert=system', 'verify-full'],
  ] as const)('%s means %s', ([query, mode]) => {
    expect(readConnectionSettings(`postgres://h/d?${query}`).tls.mode).toBe(mode);
  });

  test('a list of hosts has a port for each, or one for all', () => {
    expect(readConnectionSettings('postgres://a:1,[::1]:2,c/d').hosts).toEqual([
      { host: 'a', port: 1 },
      { host: '::1', port: 2 },
      { host: 'c', port: 5432 },
    ]);
    expect(readConnectionSettings('postgres:///d?host=a,b&port=7').hosts).toEqual([
      { host: 'a', port: 7 },
      { host: 'b', port: 7 },
    ]);
  });

  test('a password file counts when others cannot read it', async () => {
    const folder = await newFolder();
    const file = join(folder, 'pgpass');
    await writeFile(file, '# comment\nother:*:*:*:no\nh:5432:d:u:p\\:1\n', { mode: 0o600 });
    const address = `postgres://u@h/d?passfile=${encodeURIComponent(file)}`;
    expect(readConnectionSettings(address).password).toBe('p:1');
    await chmod(file, 0o644);
    expect(readConnectionSettings(address).password).toBeUndefined();
  });
});

describe('an address that cannot be used', () => {
  test.for([
    ['mysql://u:s3cret@h/d', 'must look like postgres://'],
    ['h:5432', 'must look like postgres://'],
    ['"postgres://u:s3cret@h/d"', 'in quotation marks'],
    ['postgres://u:s3cret@h:port/d', 'a port that is not'],
    ['postgres://u:s3cret@h:70000/d', 'a port that is not'],
    ['postgres://u:s3/cret@h/d', '%2F'],
    ['postgres://u:100%s3cret@h/d', '%25'],
    ['postgres://u:[YOUR-PASSWORD]@h/d', 'placeholder'],
    ['postgres://u:s3cret@h/d?sslmode=requires', 'sslmode that is not known'],
    ['postgres://u:s3cret@h/d?target_session_attrs=master', 'target_session_attrs that is not known'],
    ['postgres://u:s3cret@h/d?sslrootcert=/does/not/exist.pem', '/does/not/exist.pem'],
    ['postgres://u:s3cret@h/d?connect_timeout=soon', 'connect_timeout'],
    ['postgres://u:s3cret@h/d?service=clinic', 'service'],
    ['postgres://a,b,c:1/d?port=1,2', '3 hosts and 2 ports'],
  ] as const)('%s says what is wrong, and shows no password', ([address, words]) => {
    expect(messageOf(address)).toContain(words);
    expect(messageOf(address)).not.toContain('cret');
  });
});
