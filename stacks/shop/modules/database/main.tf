# PostgreSQL for the shop.

data "aws_secretsmanager_random_password" "master" {
  password_length     = 32
  exclude_punctuation = true
}

resource "aws_db_subnet_group" "this" {
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_security_group" "this" {
  name        = "${var.name}-database"
  description = "PostgreSQL from its clients"
  vpc_id      = var.network_id
}

resource "aws_vpc_security_group_ingress_rule" "postgres" {
  for_each = var.clients

  security_group_id = aws_security_group.this.id
  ip_protocol       = "tcp"
  from_port         = 5432
  to_port           = 5432
  cidr_ipv4         = each.value
}

resource "aws_db_instance" "this" {
  identifier     = var.name
  engine         = "postgres"
  engine_version = "16"
  instance_class = var.size
  multi_az       = var.multi_az

  db_name  = "shop"
  username = "shop"
  password = data.aws_secretsmanager_random_password.master.random_password

  allocated_storage = var.storage
  storage_type      = "gp3"
  storage_encrypted = true

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]

  apply_immediately         = true
  deletion_protection       = var.keep
  skip_final_snapshot       = !var.keep
  final_snapshot_identifier = var.keep ? "${var.name}-final" : null

  lifecycle {
    # The random password has another value at each reading; the first one stays.
    ignore_changes = [password]
  }
}
